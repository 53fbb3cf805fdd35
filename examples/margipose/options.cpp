#include "options.hpp"

#include <memory>
#include <string>

#include "ablation.hpp"
#include "command_line.hpp"
#include "explanation.hpp"
#include "installation.hpp"
#include "prediction.hpp"
#include "training.hpp"

namespace pk = posekit;

namespace {

/// The small weights that come along, wherever the program is called.
std::filesystem::path small_weights() {
  return data_folder("margipose", POSEKIT_MARGIPOSE_SOURCE) / "small.safetensors";
}

void add_network_options(CLI::App& app, Configuration& c, std::string& extractor) {
  app.add_option("--size", c.image_size, "pixels of the square images, a multiple of 32")
      ->check(CLI::Range(32, 1024).description(""))
      ->type_name("PIXELS");
  app.add_option("--stages", c.network.stages, "heatmap prediction stages")
      ->check(CLI::Range(1, 16).description(""))
      ->type_name("COUNT");
  app.add_option("--width", c.network.width,
                 "channels of the features; the paper's networks have 128")
      ->check(CLI::Range(4, 1024).description(""))
      ->type_name("CHANNELS");
  app.add_option("--extractor", extractor, "resnet18, resnet34, resnet50 or inception_v4")
      ->type_name("NAME");
}

void add_poses_options(CLI::App& app, PoseSource& poses) {
  app.add_option("--poses", poses.file,
                 "motion capture (.npz of joint positions, or .bvh) whose poses the people take, "
                 "instead of generated ones")
      ->type_name("FILE");
  app.add_option("--unit", poses.unit,
                 "millimetres of that file's unit; 0: 1 for .npz and 10 for .bvh")
      ->check(positive_number(true))
      ->type_name("MM");
}

void add_training_options(CLI::App& app, TrainingOptions& o) {
  app.add_option("--epochs", o.epochs, "epochs")
      ->check(CLI::Range(1, 1000000).description(""))
      ->type_name("COUNT");
  app.add_option("--images", o.images_per_epoch, "new pictures in each epoch")
      ->check(CLI::Range(1, 100000000).description(""))
      ->type_name("COUNT");
  app.add_option("--batch", o.batch_size, "pictures in a batch")
      ->check(CLI::Range(2, 4096).description(""))
      ->type_name("COUNT");
  app.add_option("--optimizer", o.optimizer, "adam, or sgd as in the paper")->type_name("NAME");
  app.add_option("--learning-rate", o.learning_rate, "the largest of the 1-cycle schedule")
      ->check(positive_number(true))
      ->type_name("RATE");
  app.add_flag("--side-colours", o.samples.side_colours,
               "clothes whose colours tell left from right: easier pictures")
      ->default_str("");
  app.add_option("--2d", o.samples.share_2d,
                 "share of pictures whose depths are not told, as in a 2D data set")
      ->check(number_between(0, 1, "a share from 0 to 1"))
      ->type_name("SHARE");
  add_poses_options(app, o.samples.poses);
  app.add_option("--test-poses", o.samples.test_poses.file,
                 "motion capture for the pictures to measure with; without it that of --poses")
      ->type_name("FILE");
  app.add_option("--test-images", o.test_images, "pictures to measure with")
      ->check(CLI::Range(1, 1000000).description(""))
      ->type_name("COUNT");
  app.add_option("--workers", o.workers, "threads that make pictures")
      ->check(CLI::Range(0, 256).description(""))
      ->type_name("COUNT");
  app.add_option("--threads", o.threads, "threads that train; 0: all")
      ->check(CLI::Range(0, 1024).description(""))
      ->type_name("COUNT");
}

void add_weights_option(CLI::App& app, std::filesystem::path& weights) {
  app.add_option("-w,--weights", weights, "weights that `train` wrote")
      ->type_name("FILE")
      ->default_str("the small ones that come along");
}

void add_subject_options(CLI::App& app, SubjectOptions& o) {
  add_weights_option(app, o.weights);
  app.add_option("-i,--image", o.photo, "a photo; without it a synthetic person")
      ->type_name("FILE");
  app.add_option("--box", o.box, "the person in the photo: x,y,width,height")->type_name("BOX");
  app.add_option("--example", o.example, "which synthetic person")
      ->check(CLI::Range(0, 1000000).description(""))
      ->type_name("INDEX");
  add_poses_options(app, o.poses);
  app.add_option("-o,--output", o.folder, "folder for the results")->type_name("DIR");
}

/// Everything the subcommands fill in.
struct Arguments {
  TrainingOptions training{};
  AblationOptions ablation{};
  SubjectOptions subject{};
  MeasurementOptions measurement{};
  std::string extractor = "resnet18";
  std::size_t steps = 50;
  std::filesystem::path shrunk{};
};

}  // namespace

std::function<void()> parse_command_line(int argc, char** argv) {
  const auto a = std::make_shared<Arguments>();
  a->subject.weights = a->measurement.weights = small_weights();
  a->ablation.training.patience = 0;
  CLI::App app{
      "MargiPose: 3D human pose from one image by three marginal heatmaps for each joint\n"
      "(Nibali, He, Morgan and Prendergast, WACV 2019), on people that are drawn for it.\n",
      "posekit-margipose"};
  app.footer(
      "\nExamples:\n"
      "  posekit-margipose train                                  # a small network, in minutes\n"
      "  posekit-margipose predict --example 3                    # with weights that come along\n"
      "  posekit-margipose predict --weights out/margipose/best.safetensors --image photo.jpg\n"
      "  posekit-margipose train --poses mocap.npz --stages 3 --width 64\n"
      "\n"
      "Exit status: 0 done, 1 something was wrong (one line says what).");
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default();
  const auto add_quiet = [](CLI::App& sub, bool& quiet) {
    sub.add_flag("-q,--quiet", quiet, "print nothing but errors")->default_str("");
  };
  std::function<void()> chosen;

  CLI::App& train = *app.add_subcommand("train", "train a network; goes on where it was stopped");
  add_network_options(train, a->training.configuration, a->extractor);
  add_training_options(train, a->training);
  train.add_option("--seed", a->training.samples.seed, "of pictures and initial weights")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 62).description(""))
      ->type_name("NUMBER");
  train
      .add_option("--patience", a->training.patience,
                  "evaluations without an improvement after which to stop; 0: none")
      ->check(CLI::Range(0, 1000000000).description(""))
      ->type_name("COUNT");
  train.add_option("--checkpoint-every", a->training.checkpoint_every, "steps between checkpoints")
      ->check(CLI::Range(1, 1000000).description(""))
      ->type_name("STEPS");
  bool unpermuted = false, bare = false;
  train.add_flag("--no-axis-permutation", unpermuted, "leave out axis permutation")
      ->default_str("");
  train.add_flag("--no-divergence", bare, "leave out the Jensen-Shannon divergence")
      ->default_str("");
  train.add_option("-o,--output", a->training.folder, "folder for checkpoints, log and weights")
      ->type_name("DIR");
  add_quiet(train, a->training.quiet);

  CLI::App& eval = *app.add_subcommand("eval", "measure a network on pictures it has not seen");
  add_weights_option(eval, a->measurement.weights);
  eval.add_option("--images", a->measurement.images, "pictures")
      ->check(CLI::Range(1, 1000000).description(""))
      ->type_name("COUNT");
  eval.add_flag("--ten-crop", a->measurement.ten_crop,
                "average over five crops and their mirror images")
      ->default_str("");
  add_poses_options(eval, a->measurement.poses);
  eval.add_option("-o,--output", a->measurement.folder,
                  "folder for prediction.npy and truth.npy (mm), which posekit-evaluate reads")
      ->type_name("DIR");

  CLI::App& predict = *app.add_subcommand("predict", "draw a pose and its heatmaps");
  add_subject_options(predict, a->subject);
  predict.add_option("--joint", a->subject.joint, "whose heatmaps are drawn")->type_name("JOINT");
  add_quiet(predict, a->subject.quiet);

  CLI::App& explain =
      *app.add_subcommand("explain", "which pixels put each joint where it is (PoseIG)");
  add_subject_options(explain, a->subject);
  explain.add_option("--steps", a->steps, "of the path integral")
      ->check(CLI::Range(1, 100000).description(""))
      ->type_name("COUNT");
  add_quiet(explain, a->subject.quiet);

  CLI::App& ablate = *app.add_subcommand(
      "ablate", "the paper's Table 3: four networks with equal budgets and several seeds");
  add_network_options(ablate, a->ablation.training.configuration, a->extractor);
  add_training_options(ablate, a->ablation.training);
  ablate.add_option("--seeds", a->ablation.seeds, "trainings of each network")
      ->check(CLI::Range(1, 1000).description(""))
      ->type_name("COUNT");
  ablate.add_option("-o,--output", a->ablation.folder, "folder for the trainings and the table")
      ->type_name("DIR");

  CLI::App& shrink = *app.add_subcommand("shrink", "write weights in half precision");
  add_weights_option(shrink, a->subject.weights);
  shrink.add_option("-o,--output", a->shrunk, "where they go")->type_name("FILE")->required();

  parse_or_exit(app, argc, argv, [&] {
    for (CLI::App* sub : {&predict, &explain}) {
      if (sub->parsed() && sub->count("--box") > 0 && sub->count("--image") == 0)
        throw CLI::ValidationError("--box", "has no effect without --image");
    }
  });
  const auto complete = [&](TrainingOptions& o) {
    require_input_size(o.configuration);
    o.configuration.network.feature_extractor = pk::models::feature_extractor(a->extractor);
    o.samples.image_size = o.configuration.image_size;
    o.samples.test_poses.unit = o.samples.poses.unit;
    o.configuration.network.seed = o.samples.seed;
  };
  a->training.configuration.network.axis_permutation = !unpermuted;
  if (bare) a->training.configuration.network.pixelwise_loss = pk::PixelwiseLoss::none;
  if (train.parsed()) {
    complete(a->training);
    return [a] { run_training(a->training); };
  }
  if (ablate.parsed()) {
    complete(a->ablation.training);
    return [a] { run_ablation(a->ablation); };
  }
  if (eval.parsed()) return [a] { run_measurement(a->measurement); };
  if (shrink.parsed()) return [a] { shrink_weights(a->subject.weights, a->shrunk); };
  if (predict.parsed()) return [a] { run_prediction(a->subject); };
  return [a] { run_explanation(a->subject, a->steps); };
}
