#include "options.hpp"

#include <cstdint>
#include <memory>
#include <string>

#include "ablation.hpp"
#include "adaptation.hpp"
#include "attributes.hpp"
#include "command_line.hpp"
#include "image_prediction.hpp"
#include "image_training.hpp"
#include "installation.hpp"
#include "lift_training.hpp"
#include "measurement.hpp"

namespace pk = posekit;

namespace {

/// A file that comes along, wherever the program is called.
std::filesystem::path data_file(const char* name) {
  return data_folder("progressive", POSEKIT_PROGRESSIVE_SOURCE) / name;
}

void add_count(CLI::App& app, const std::string& names, auto& value, const char* what, double most,
               const char* type = "COUNT", double least = 1) {
  app.add_option(names, value, what)
      ->check(CLI::Range(least, most).description(""))
      ->type_name(type);
}

void add_pair_options(CLI::App& app, pk::LiftingOptions& pairs) {
  app.add_option("--noise", pairs.noise, "of 2D positions, as a share of the crop's side")
      ->check(positive_number(true))
      ->type_name("SHARE");
  app.add_option("--attribute-errors", pairs.attribute_errors, "share of attributes that are wrong")
      ->check(number_between(0, 1, "a share from 0 to 1"))
      ->type_name("SHARE");
  app.add_option("--threshold", pairs.threshold,
                 "nearer to the torso's plane than this a joint is on it")
      ->check(positive_number(true))
      ->type_name("MM");
}

void add_training_options(CLI::App& app, LiftTrainingOptions& o,
                          pk::models::ProgressivePoseOptions& network) {
  app.add_option("--poses", o.poses.file, "motion capture to train with (.npz or .bvh)")
      ->type_name("FILE")
      ->default_str("the recordings of CMU that come along");
  app.add_option("--test-poses", o.test_poses.file, "motion capture to measure with")
      ->type_name("FILE")
      ->default_str("others of CMU; with --poses alone, those");
  add_unit_option(app, o.poses);
  add_pair_options(app, o.pairs);
  add_count(app, "--width", network.width, "features of the hidden layers; the paper's have 1024",
            8192, "FEATURES");
  add_count(app, "--blocks", network.blocks, "residual blocks of a regressor; the paper's have 2",
            64, "COUNT", 0);
  app.add_option("--dropout", network.dropout, "share of features that training drops")
      ->check(number_between(0, 0.95, "a share from 0 to 0.95"))
      ->type_name("SHARE");
  add_count(app, "--epochs", o.epochs, "epochs", 1000000);
  add_count(app, "--batch", o.batch_size, "pairs in a batch", 65536, "COUNT", 2);
  app.add_option("--learning-rate", o.learning_rate, "of RMSprop, where the cosine begins")
      ->check(positive_number())
      ->type_name("RATE");
  add_count(app, "--threads", o.threads, "threads that train; 0: all", 1024, "COUNT", 0);
}

/// The stage that `train` is asked for, which decides what other options it has.
std::string stage_of(int argc, char** argv) {
  std::string stage = "lift";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--stage" && i + 1 < argc) stage = argv[i + 1];
    if (argument.starts_with("--stage=")) stage = argument.substr(8);
  }
  return stage;
}

/// Everything the subcommands fill in.
struct Arguments {
  AttributesOptions attributes{};
  LiftTrainingOptions training{};
  pk::models::ProgressivePoseOptions network{.width = 192, .blocks = 1};
  MeasurementOptions measurement{};
  LiftAblationOptions ablation{.network = {.width = 192, .blocks = 1}};
  MultiTrainingOptions multi{};
  JointTrainingOptions joint{};
  PictureOptions picture{};
  PictureExplanationOptions explanation{};
  AdaptationOptions adaptation{};
  std::filesystem::path shrunk{}, whole{};
  std::string stage = "lift";
  std::string pelvis = "joint";
};

}  // namespace

std::function<void()> parse_command_line(int argc, char** argv) {
  const auto a = std::make_shared<Arguments>();
  CLI::App app{
      "3D human pose by bi-directional dependencies of body parts (Wang, Huang, Wang and Tao, "
      "ICCV\n"
      "2019): where limbs are, seen from the torso's plane, and 2D poses lifted to 3D, group by "
      "group.\n",
      "posekit-progressive"};
  app.footer(
      "\nExamples:\n"
      "  posekit-progressive predict --example 3          # with weights that come along\n"
      "  posekit-progressive attributes                   # of recordings that come along\n"
      "  posekit-progressive train                        # lifts 2D poses, in two minutes\n"
      "  posekit-progressive eval --weights out/progressive-lift/best.safetensors\n"
      "  posekit-progressive ablate                       # the paper's Table 6\n"
      "  posekit-progressive train --stage multi --help   # from pictures to 2D poses and "
      "attributes\n"
      "\n"
      "Exit status: 0 done, 1 something was wrong (one line says what).");
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default();

  CLI::App& attributes = *app.add_subcommand(
      "attributes", "which limbs are before, behind and on the torso's plane in recorded poses");
  attributes.add_option("FILE", a->attributes.poses.file, "motion capture (.npz or .bvh)")
      ->default_str("the recordings of CMU that come along");
  add_unit_option(attributes, a->attributes.poses);
  attributes
      .add_option("--threshold", a->attributes.attributes.threshold,
                  "nearer to the plane than this a joint is on it")
      ->check(positive_number(true))
      ->type_name("MM");
  attributes
      .add_option("--pelvis", a->pelvis, "joint: the recorded one; mid_hip: between the hips")
      ->check(CLI::IsMember({"joint", "mid_hip"}))
      ->type_name("NAME");
  add_count(attributes, "--pictures", a->attributes.pictures, "poses that are drawn", 1000);
  attributes.add_option("-o,--output", a->attributes.folder, "folder for the results")
      ->type_name("DIR");

  CLI::App& train = *app.add_subcommand("train", "train a network; goes on where it was stopped");
  const std::string stage = stage_of(argc, argv);
  train
      .add_option("--stage", a->stage,
                  "lift: 2D poses to 3D; multi: pictures to 2D poses and attributes; joint: both, "
                  "joined. Each has options of its own")
      ->check(CLI::IsMember({"multi", "lift", "joint"}))
      ->type_name("NAME");
  bool blind = false, distal_first = false;
  if (stage == "multi") {
    add_multi_training_options(train, a->multi);
  } else if (stage == "joint") {
    add_joint_training_options(train, a->joint);
  } else {
    add_training_options(train, a->training, a->network);
    train.add_flag("--no-attributes", blind, "lift 2D positions alone")->default_str("");
    train.add_flag("--distal-first", distal_first, "block II from distal joints to the torso")
        ->default_str("");
    train.add_flag("--mirror", a->training.pairs.mirror, "half of the pairs mirrored")
        ->default_str("");
    add_count(train, "--seed", a->training.pairs.seed, "of pairs and initial weights", 1e15,
              "NUMBER", 0);
    train.add_option("-o,--output", a->training.folder, "folder for checkpoints, log and weights")
        ->type_name("DIR");
    train.add_flag("-q,--quiet", a->training.quiet, "print nothing but errors")->default_str("");
  }

  CLI::App& eval = *app.add_subcommand("eval", "measure what a stage of `train` wrote");
  eval.add_option("-w,--weights", a->measurement.weights,
                  "weights of any stage: what lifts is measured on pairs of 2D and 3D poses, what "
                  "sees pictures on drawn people")
      ->type_name("FILE")
      ->default_str("the small ones that come along");
  eval.add_option("--poses", a->measurement.poses.file, "motion capture to measure with")
      ->type_name("FILE")
      ->default_str("recordings of CMU that come along");
  add_unit_option(eval, a->measurement.poses);
  add_pair_options(eval, a->measurement.pairs);
  add_count(eval, "--images", a->measurement.images, "pictures of each domain", 1000000);
  add_count(eval, "--cameras", a->measurement.draws, "cameras that see each pose", 1000);
  eval.add_option("-o,--output", a->measurement.folder,
                  "folder for prediction.npy and truth.npy (mm), which posekit-evaluate reads")
      ->type_name("DIR");

  CLI::App& ablate = *app.add_subcommand(
      "ablate", "the paper's Table 6: networks of equal size with equal budgets and several seeds");
  add_training_options(ablate, a->ablation.training, a->ablation.network);
  add_count(ablate, "--seeds", a->ablation.seeds, "trainings of each network", 1000);
  ablate.add_option("-o,--output", a->ablation.folder, "folder for the trainings and the table")
      ->type_name("DIR");
  // What is wrong with attributes is a matter of the rows.
  ablate.remove_option(ablate.get_option("--attribute-errors"));
  ablate
      .add_option("--attribute-errors", a->ablation.attribute_errors,
                  "share of attributes that are wrong in the rows with predicted ones")
      ->check(number_between(0, 1, "a share from 0 to 1"))
      ->type_name("SHARE");

  CLI::App& predict = *app.add_subcommand(
      "predict", "draw the pose of a picture in 2D, with its attributes, and in 3D");
  add_picture_options(predict, a->picture);
  CLI::App& explain =
      *app.add_subcommand("explain", "which pixels put a joint where it is in space (PoseIG)");
  add_picture_explanation_options(explain, a->explanation);
  CLI::App& adapt = *app.add_subcommand(
      "adapt", "the paper's Table 4: attributes in other pictures than those of the training");
  add_adaptation_options(adapt, a->adaptation);
  CLI::App& shrink = *app.add_subcommand("shrink", "write weights in half precision");
  shrink.add_option("-w,--weights", a->whole, "weights that `train --stage joint` wrote")
      ->type_name("FILE")
      ->required();
  shrink.add_option("-o,--output", a->shrunk, "where they go")->type_name("FILE")->required();

  parse_or_exit(app, argc, argv, [&] {
    for (CLI::App* sub : {&predict, &explain}) {
      if (sub->parsed() && sub->count("--box") > 0 && sub->count("--image") == 0)
        throw CLI::ValidationError("--box", "has no effect without --image");
    }
  });
  const auto complete = [](LiftTrainingOptions& o) {
    if (o.poses.file.empty()) {
      o.poses.file = data_file("cmu_train.npz");
      if (o.test_poses.file.empty()) o.test_poses.file = data_file("cmu_test.npz");
    }
    o.test_poses.unit = o.poses.unit;
    o.pairs.threads = o.threads;
  };
  if (attributes.parsed()) {
    if (a->attributes.poses.file.empty()) a->attributes.poses.file = data_file("cmu_test.npz");
    if (a->pelvis == "mid_hip") a->attributes.attributes.pelvis = pk::TorsoPelvis::mid_hip;
    return [a] { run_attributes(a->attributes); };
  }
  const auto complete_pictures = [](PictureTrainingOptions& o) {
    o.test_poses.unit = o.people.poses.unit;
    if (!o.people.poses.file.empty()) return;
    o.people.poses.file = data_file("cmu_train.npz");
    if (o.test_poses.file.empty()) o.test_poses.file = data_file("cmu_test.npz");
  };
  const auto complete_picture = [](PictureOptions& o) {
    if (o.weights.empty()) o.weights = data_file("small.safetensors");
    if (o.poses.file.empty()) o.poses.file = data_file("cmu_test.npz");
  };
  if (predict.parsed()) {
    complete_picture(a->picture);
    return [a] { run_image_prediction(a->picture); };
  }
  if (explain.parsed()) {
    complete_picture(a->explanation.picture);
    return [a] { run_image_explanation(a->explanation); };
  }
  if (adapt.parsed()) {
    complete_pictures(a->adaptation.training.training);
    return [a] { run_adaptation(a->adaptation); };
  }
  if (shrink.parsed()) return [a] { shrink_image_lifter(a->whole, a->shrunk); };
  if (train.parsed() && a->stage == "multi") {
    complete_pictures(a->multi.training);
    a->multi.network.seed = a->multi.training.people.seed;
    return [a] { run_multi_training(a->multi); };
  }
  if (train.parsed() && a->stage == "joint") {
    complete_pictures(a->joint.training);
    return [a] { run_joint_training(a->joint); };
  }
  if (train.parsed()) {
    complete(a->training);
    a->network.attributes = !blind;
    if (distal_first) a->network.second_block = pk::models::SecondBlock::distal_first;
    return [a] { run_lift_training(a->training, a->network); };
  }
  if (eval.parsed()) {
    if (a->measurement.weights.empty()) a->measurement.weights = data_file("small.safetensors");
    if (a->measurement.poses.file.empty()) a->measurement.poses.file = data_file("cmu_test.npz");
    return [a] { run_measurement(a->measurement); };
  }
  complete(a->ablation.training);
  return [a] { run_lift_ablation(a->ablation); };
}
