#include "image_training.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include <posekit/autodiff/arithmetic.hpp>
#include <posekit/core/decimal.hpp>
#include <posekit/core/error.hpp>
#include <posekit/io/csv.hpp>
#include <posekit/io/file.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/io/image.hpp>
#include <posekit/models/image_lifter_network.hpp>
#include <posekit/models/pose_attribute_loss.hpp>
#include <posekit/models/pose_attribute_network.hpp>
#include <posekit/models/progressive_loss.hpp>
#include <posekit/nn/checkpoint.hpp>
#include <posekit/nn/module.hpp>
#include <posekit/optim/rmsprop.hpp>
#include <posekit/optim/schedules.hpp>
#include <posekit/viz/charts.hpp>

#include "command_line.hpp"
#include "training_report.hpp"

namespace pk = posekit;

namespace {

const std::vector<Domain> trained_domains{Domain::lab, Domain::wild};

PeopleOptions test_options(const PictureTrainingOptions& o) {
  PeopleOptions people = o.people;
  if (!o.test_poses.file.empty()) people.poses = o.test_poses;
  return people;
}

/// What became of accuracies, in a table and a chart of a training's folder.
class DomainLog {
 public:
  /// Goes on after `step` where the folder has a table already.
  DomainLog(std::filesystem::path folder, std::uint64_t step) : folder_(std::move(folder)) {
    const auto file = folder_ / "domains.csv";
    if (folder_.empty() || step == 0 || !pk::is_file(file)) return;
    const pk::CsvTable table = pk::load_csv(file);
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      const auto value = [&](const char* name) { return table.number(row, table.column(name)); };
      DomainRecord r;
      r.step = static_cast<std::uint64_t>(value("step"));
      if (r.step > step) break;
      r.reversal = value("reversal");
      for (auto [measures, prefix] :
           {std::pair{&r.lab, std::string("lab_")}, {&r.wild, std::string("wild_")}}) {
        measures->pckh = value((prefix + "pckh").c_str());
        measures->attributes.average = value((prefix + "attributes").c_str());
        measures->domain_accuracy = value((prefix + "domain").c_str());
      }
      records_.push_back(r);
    }
  }

  void add(const DomainRecord& record) {
    records_.push_back(record);
    if (folder_.empty()) return;
    std::string csv =
        "step,reversal,lab_pckh,lab_attributes,lab_domain,wild_pckh,wild_attributes,wild_domain\n";
    pk::ChartSeries domain{"domain", {}, {}}, lab{"attributes, lab", {}, {}},
        wild{"attributes, wild", {}, {}}, lab_pckh{"PCKh, lab", {}, {}},
        wild_pckh{"PCKh, wild", {}, {}};
    for (const DomainRecord& r : records_) {
      csv += std::to_string(r.step) + "," + pk::csv_field(r.reversal);
      for (const ImageMeasures* m : {&r.lab, &r.wild}) {
        csv += "," + pk::csv_field(m->pckh) + "," + pk::csv_field(m->attributes.average) + "," +
               pk::csv_field(m->domain_accuracy);
      }
      csv += "\n";
      const auto point = [&](pk::ChartSeries& series, double share) {
        series.x.push_back(static_cast<double>(r.step));
        series.y.push_back(100 * share);
      };
      point(domain, (r.lab.domain_accuracy + r.wild.domain_accuracy) / 2);
      point(lab, r.lab.attributes.average);
      point(wild, r.wild.attributes.average);
      point(lab_pckh, r.lab.pckh);
      point(wild_pckh, r.wild.pckh);
    }
    pk::write_file(folder_ / "domains.csv", csv);
    pk::save_png(folder_ / "domains.png",
                 pk::line_chart({domain, lab, wild, lab_pckh, wild_pckh},
                                {.title = "on people that the training does not see",
                                 .x = {.label = "step"},
                                 .y = {.label = "right (%)", .low = 0, .high = 100}}));
  }

 private:
  std::filesystem::path folder_;
  std::vector<DomainRecord> records_;
};

std::string described(const DomainRecord& record) {
  std::string text;
  char part[120];
  for (const auto& [name, m] : {std::pair{"lab", &record.lab}, {"wild", &record.wild}}) {
    std::snprintf(part, sizeof part, "%s: PCKh %4.1f, attributes %4.1f", name, 100 * m->pckh,
                  100 * m->attributes.average);
    text += part;
    if (m->mpjpe > 0) {
      std::snprintf(part, sizeof part, ", MPJPE %5.1f mm", m->mpjpe);
      text += part;
    }
    text += "   ";
  }
  std::snprintf(part, sizeof part, "domain %4.1f",
                50 * (record.lab.domain_accuracy + record.wild.domain_accuracy));
  return text + part;
}

/// Everything that the weights depend on besides the network.
std::map<std::string, std::string> arguments_of(const PictureTrainingOptions& o) {
  const auto name = [](const std::filesystem::path& file) {
    return file.empty() ? std::string("generated") : file.filename().string();
  };
  return {{"seed", std::to_string(o.people.seed)},
          {"size", std::to_string(o.people.image_size)},
          {"poses", name(o.people.poses.file)},
          {"threshold", pk::shortest_decimal(o.people.threshold)},
          {"test_poses", name(o.test_poses.file)},
          {"sources", o.sources == Sources::lab ? "lab" : "mixed"},
          {"reversal", pk::shortest_decimal(o.reversal)},
          {"heatmap_weight", pk::shortest_decimal(o.heatmap_weight)},
          {"attribute_weight", pk::shortest_decimal(o.attribute_weight)},
          {"epochs", std::to_string(o.epochs)},
          {"images", std::to_string(o.images_per_epoch)},
          {"batch", std::to_string(o.batch_size)},
          {"learning_rate", pk::shortest_decimal(o.learning_rate)},
          {"clip_norm", pk::shortest_decimal(o.clip_norm)},
          {"test_images", std::to_string(o.test_images)}};
}

/// The training of either stage: `loss(tape, batch, reversal)`, `answers(images)`.
template <class Net, class Loss, class Answers>
pk::TrainingResult train_on_pictures(Net& net, const PictureTrainingOptions& o,
                                     const std::map<std::string, std::string>& metadata,
                                     std::map<std::string, std::string> arguments, const Loss& loss,
                                     const Answers& answers, std::uint64_t& steps_taken) {
  if (o.batch_size > o.images_per_epoch) {
    throw pk::ValueError(pk::error_text("a batch of ", o.batch_size, " pictures is more than the ",
                                        o.images_per_epoch, " of an epoch"));
  }
  const TrainingPictures pictures(o.sources, o.people, o.images_per_epoch, o.epochs);
  const auto tests = test_batches(test_options(o), o.test_images, trained_domains);
  auto loader = pictures.loader(o.batch_size, o.workers);
  pk::optim::Rmsprop<float> optimizer(pk::nn::parameters(net), {.learning_rate = o.learning_rate});
  const std::uint64_t steps = o.epochs * loader.batch_count();
  const pk::optim::Cosine schedule{.max_learning_rate = o.learning_rate, .total_steps = steps};
  const pk::optim::ReversalRamp ramp{.max_factor = o.reversal, .total_steps = steps};
  for (const auto& [name, value] : arguments_of(o)) arguments[name] = value;
  std::unique_ptr<DomainLog> log;
  DomainRecord last;
  TrainingReport report(o.quiet, [&](double) { return described(last); });
  const pk::TrainerOptions trainer{.epochs = o.epochs,
                                   .folder = o.folder,
                                   .checkpoint_every = o.checkpoint_every,
                                   .metric = "mistakes (%)",
                                   .clip_norm = o.clip_norm,
                                   .metadata = metadata,
                                   .arguments = std::move(arguments),
                                   .report =
                                       [&](const pk::TrainingStatus& s) {
                                         ++steps_taken;
                                         if (!log)
                                           log = std::make_unique<DomainLog>(o.folder,
                                                                             s.resumed_from);
                                         if (s.metric) {
                                           last.step = s.step;
                                           log->add(last);
                                         }
                                         return report(s);
                                       },
                                   .tape = {.threads = o.threads}};
  return pk::training::train(
      net, optimizer, loader, schedule,
      [&](pk::Tape<float>& tape, DomainBatch& batch) {
        return loss(tape, batch, ramp.factor(optimizer.steps()));
      },
      [&] {
        last.lab = measure(answers(tests[0].images), tests[0]);
        last.wild = measure(answers(tests[1].images), tests[1]);
        last.reversal = ramp.factor(optimizer.steps());
        // What labels can tell: attributes of the wild are not known to a training.
        return 100 * (1 - (last.lab.pckh + last.wild.pckh + 2 * last.lab.attributes.average) / 4);
      },
      trainer);
}

pk::PoseAttributeLossOptions loss_options(const PictureTrainingOptions& o) {
  const double cells = static_cast<double>(o.people.image_size / 4);
  pk::PoseAttributeLossOptions options;
  options.heatmap_weight = o.heatmap_weight * cells * cells;
  options.attribute_weight = o.attribute_weight;
  return options;
}

/// Says how good what a training left is, on all domains.
template <class Answers>
void print_result(const PictureTrainingOptions& o, const Answers& answers) {
  std::printf("\n");
  print_domains(test_options(o), o.test_images, answers);
  if (o.folder.empty()) return;
  std::printf("in %s: best.safetensors, log.csv, log.json, loss.png, domains.csv, domains.png\n",
              o.folder.c_str());
}

void print_end(const PictureTrainingOptions& o, const pk::TrainingResult& result,
               std::uint64_t steps_taken) {
  if (result.end == pk::TrainingEnd::stopped) {
    std::printf("stopped after step %llu; the same command goes on from there\n",
                static_cast<unsigned long long>(result.position.steps));
  } else if (steps_taken == 0 && !o.quiet) {
    std::printf("%s has all %llu steps of this training already\n", o.folder.c_str(),
                static_cast<unsigned long long>(result.position.steps));
  }
}

}  // namespace

pk::models::PoseAttributeNetOptions small_image_network() {
  return {.stacks = 1, .features = 64, .domain_features = 32, .input = {64, 64}, .seed = 1};
}

TrainedImageNetwork train_image_network(const MultiTrainingOptions& options) {
  const PictureTrainingOptions& o = options.training;
  TrainedImageNetwork trained{std::make_shared<ImageNetwork>(options.network), {}};
  ImageNetwork& net = *trained.network;
  if (!o.quiet) {
    std::printf(
        "%zu stacks, %zu blocks, %zu features, pictures of %zu x %zu, %.2f million "
        "parameters\n",
        options.network.stacks, options.network.blocks, options.network.features,
        options.network.input[0], options.network.input[1],
        static_cast<double>(pk::nn::parameter_count(net)) * 1e-6);
  }
  const auto losses = loss_options(o);
  auto arguments = to_metadata(options.network);
  arguments["network_seed"] = std::to_string(options.network.seed);
  trained.result = train_on_pictures(
      net, o, to_metadata(options.network), std::move(arguments),
      [&](pk::Tape<float>& tape, DomainBatch& batch, double reversal) {
        const auto out = net(tape.constant(std::move(batch.images)), {.reversal = reversal});
        return pk::pose_attribute_loss(out, batch.targets, losses).total;
      },
      [&](const pk::Tensor<float>& images) { return answers_of(net, images, o.beta); },
      trained.steps_taken);
  return trained;
}

void run_multi_training(const MultiTrainingOptions& options) {
  const PictureTrainingOptions& o = options.training;
  TrainedImageNetwork trained = train_image_network(options);
  print_end(o, trained.result, trained.steps_taken);
  if (o.quiet || trained.result.end == pk::TrainingEnd::stopped) return;
  const auto best = o.folder / "best.safetensors";
  if (!o.folder.empty() && pk::is_file(best)) pk::load_safetensors(best, *trained.network);
  print_result(o, [&](const pk::Tensor<float>& images) {
    return answers_of(*trained.network, images, o.beta);
  });
}

void run_joint_training(const JointTrainingOptions& options) {
  PictureTrainingOptions o = options.training;
  const auto image = load_image_network(options.multi);
  const auto lifter = load_lifter(options.lift);
  JoinedNetwork net({.image = image->options(),
                     .lifter = lifter->options(),
                     .beta = o.beta,
                     .crop = options.crop});
  pk::nn::copy_tensors(*image, net.image);
  pk::nn::copy_tensors(*lifter, net.lifter);
  o.people.image_size = image->options().input[0];
  const auto answers = [&](const pk::Tensor<float>& images) { return answers_of(net, images); };
  if (!o.quiet) {
    net.eval();
    std::printf("before:");
    print_result({.people = o.people,
                  .test_poses = o.test_poses,
                  .test_images = o.test_images,
                  .folder = ""},
                 answers);
    std::printf("\n");
  }
  const auto losses = loss_options(o);
  const auto metadata = to_metadata(net.options());
  auto arguments = metadata;
  arguments["lift_weight"] = pk::shortest_decimal(options.lift_weight);
  std::uint64_t steps_taken = 0;
  const auto result = train_on_pictures(
      net, o, metadata, std::move(arguments),
      [&](pk::Tape<float>& tape, DomainBatch& batch, double reversal) {
        const auto out = net(tape.constant(std::move(batch.images)), {.reversal = reversal});
        const auto lifted =
            pk::progressive_loss(out.lifted, batch.positions, {.visible = batch.known});
        return pk::pose_attribute_loss(out.seen, batch.targets, losses).total +
               lifted * static_cast<float>(1e-3 * options.lift_weight);
      },
      answers, steps_taken);
  print_end(o, result, steps_taken);
  if (o.quiet || result.end == pk::TrainingEnd::stopped) return;
  const auto best = o.folder / "best.safetensors";
  if (!o.folder.empty() && pk::is_file(best)) pk::load_safetensors(best, net);
  net.eval();
  print_result(o, answers);
}

void shrink_image_lifter(const std::filesystem::path& weights,
                         const std::filesystem::path& output) {
  const auto network = pk::models::load_image_lifter<float>(weights);
  pk::save_half_safetensors(output, *network, to_metadata(network->options()));
}

void add_image_network_options(CLI::App& app, pk::models::PoseAttributeNetOptions& network,
                               PeopleOptions& people) {
  app.add_option_function<std::size_t>(
         "--size",
         [&](std::size_t size) {
           network.input = {size, size};
           people.image_size = size;
         },
         "pixels of the square pictures, a multiple of 64")
      ->check(CLI::Range(64, 1024).description(""))
      ->type_name("PIXELS")
      ->default_str(std::to_string(network.input[0]));
  app.add_option("--stacks", network.stacks, "hourglasses, one behind the other")
      ->check(CLI::Range(1, 16).description(""))
      ->type_name("COUNT");
  app.add_option("--blocks", network.blocks, "residual blocks in each place of an hourglass")
      ->check(CLI::Range(1, 16).description(""))
      ->type_name("COUNT");
  app.add_option("--features", network.features,
                 "channels of the hourglasses, a multiple of 4; often 256")
      ->check(CLI::Range(4, 1024).description(""))
      ->type_name("CHANNELS");
}

void add_picture_training_options(CLI::App& app, PictureTrainingOptions& o) {
  const auto count = [&](const char* name, auto& value, double low, double high, const char* text) {
    app.add_option(name, value, text)
        ->check(CLI::Range(low, high).description(""))
        ->type_name("COUNT");
  };
  count("--epochs", o.epochs, 1, 1e6, "epochs");
  count("--images", o.images_per_epoch, 1, 1e8, "new pictures in each epoch");
  count("--batch", o.batch_size, 2, 4096, "pictures in a batch, half of them from each source");
  app.add_option("--learning-rate", o.learning_rate, "of RMSprop, in the beginning")
      ->check(positive_number())
      ->type_name("RATE");
  app.add_option("--clip", o.clip_norm, "the longest gradient; 0: any")
      ->check(positive_number(true))
      ->type_name("NORM");
  app.add_option("--reversal", o.reversal,
                 "how much of the domain's gradient is reversed in the end, for features that do "
                 "not tell laboratory from wild; 0: none")
      ->check(positive_number(true))
      ->type_name("LAMBDA");
  app.add_option_function<std::string>(
         "--sources",
         [&](const std::string& name) {
           if (name != "lab" && name != "mixed")
             throw CLI::ValidationError("--sources", "is '" + name + "', expected lab or mixed");
           o.sources = name == "lab" ? Sources::lab : Sources::mixed;
         },
         "lab (3D poses) or mixed (half of each batch wild, with 2D poses alone)")
      ->type_name("NAME")
      ->default_str("mixed");
  app.add_option("--heatmap-weight", o.heatmap_weight,
                 "of heatmaps' squared differences, against cross-entropies")
      ->check(positive_number(true))
      ->type_name("WEIGHT");
  app.add_option("--attribute-weight", o.attribute_weight,
                 "of the attributes' cross-entropy; 0: 2D positions alone")
      ->check(positive_number(true))
      ->type_name("WEIGHT");
  app.add_option("--poses", o.people.poses.file,
                 "motion capture (.npz or .bvh) that the people move by")
      ->type_name("FILE");
  app.add_option("--test-poses", o.test_poses.file,
                 "motion capture for the pictures to measure with; without it that of --poses")
      ->type_name("FILE");
  add_unit_option(app, o.people.poses);
  count("--test-images", o.test_images, 1, 1e6, "pictures to measure with, of each domain");
  app.add_option("--seed", o.people.seed, "of pictures and initial weights")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 62).description(""))
      ->type_name("NUMBER");
  count("--checkpoint-every", o.checkpoint_every, 1, 1e6, "steps between checkpoints");
  count("--workers", o.workers, 0, 256, "threads that make pictures");
  count("--threads", o.threads, 0, 1024, "threads that train; 0: all");
  app.add_option("-o,--output", o.folder, "folder for checkpoints, log and weights")
      ->type_name("DIR");
  app.add_flag("-q,--quiet", o.quiet, "print nothing but errors")->default_str("");
}

void add_multi_training_options(CLI::App& app, MultiTrainingOptions& o) {
  add_image_network_options(app, o.network, o.training.people);
  add_picture_training_options(app, o.training);
}

void add_joint_training_options(CLI::App& app, JointTrainingOptions& o) {
  app.add_option("--multi", o.multi, "weights of the multi-task network")
      ->type_name("FILE")
      ->required();
  app.add_option("--lift", o.lift, "weights of the lifting network")->type_name("FILE")->required();
  app.add_option("--lift-weight", o.lift_weight, "of the lifted pose's distances, in metres")
      ->check(positive_number(true))
      ->type_name("WEIGHT");
  add_picture_training_options(app, o.training);
}
