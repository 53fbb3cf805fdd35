#include "options.hpp"

#include <cstdlib>
#include <iostream>
#include <map>

#include <posekit/core/listed.hpp>
#include <posekit/io/folder.hpp>
#include <posekit/models/model_zoo.hpp>

#include "command_line.hpp"
#include "program.hpp"

namespace pk = posekit;

namespace {

template <class Enum>
CLI::Option* add_choice(CLI::App& app, const std::string& flag, Enum& value,
                        const std::map<std::string, Enum>& choices, const std::string& help) {
  std::string names;
  std::string standard;
  for (const auto& [name, choice] : choices) {
    pk::append_listed(names, name, "|");
    if (choice == value) standard = name;
  }
  return app
      .add_option_function<std::string>(
          flag, [&value, choices](const std::string& text) { value = choices.at(text); }, help)
      ->check(CLI::IsMember(choices).description(""))
      ->type_name(names)
      ->default_str(standard);
}

}  // namespace

ExplainOptions parse_command_line(int argc, char** argv) {
  ExplainOptions o;

  CLI::App app{
      "Shows which pixels of a photo made a pose network put each joint where it did (PoseIG).\n"
      "Writes overview.png, a picture per joint, report.json, report.csv and attributions.npy.\n",
      "posekit-explain"};
  app.footer(
      "\nExamples:\n"
      "  posekit-explain --image photo.jpg\n"
      "  posekit-explain --image photo.jpg --model posenet --box 120,40,200,380 --steps 100\n"
      "  posekit-explain --image 785.jpg --truth person_keypoints.json --annotation 442619\n"
      "  posekit-explain --image photo.jpg --joints left_wrist,right_wrist --mask selfie\n"
      "  posekit-explain --image photos/ --annotations person_keypoints.json --steps 50\n"
      "\n"
      "Exit status: 0 done, 1 something was wrong with the input (one line says what), 130 "
      "stopped\n"
      "with Ctrl-C. Nothing is written unless the run ends well.");
  app.get_formatter()->column_width(34);
  app.option_defaults()->always_capture_default();

  bool list = false;
  app.add_option(
         "-i,--image", o.image,
         "the photo, PNG or JPEG; or a folder of photos: with --annotations every annotated "
         "person in it is explained, into one table")
      ->type_name("FILE|DIR");
  app.add_option("-m,--model", o.model,
                 "the network: a name of --list-models, or the .safetensors file of one that "
                 "posekit-margipose trained or that was saved")
      ->type_name("NAME|FILE");
  app.add_option(
         "--models", o.models,
         "folder of the networks; without it $POSEKIT_MODELS, else the first of ./models and "
         "~/.local/share/posekit/models that has the network")
      ->default_str("")
      ->type_name("DIR");
  app.add_flag("--list-models", list, "list the networks and stop")->default_str("");
  app.add_option("-o,--output", o.output, "folder for the results")->type_name("DIR");
  app.add_flag("--sanity", o.sanity,
               "also check that the attributions depend on the network's weights and that the "
               "pixels they name matter: sanity.png and sanity.csv (takes a few times as long)")
      ->default_str("");
  app.add_flag("-q,--quiet", o.quiet, "print nothing but errors")->default_str("");

  const std::string what = "What to explain";
  app.add_option(
         "-b,--box", o.box,
         "the person: auto (the annotation's box, or found by the network itself), photo (all of "
         "it), or x,y,width,height in photo pixels")
      ->type_name("BOX")
      ->group(what);
  app.add_option("-j,--joints", o.joints, "only these joints, separated by commas")
      ->delimiter(',')
      ->default_str("")
      ->type_name("NAMES")
      ->group(what);
  app.add_option("-a,--annotations", o.annotations,
                 "a COCO file that holds the person's box, keypoints or segmentation")
      ->type_name("FILE")
      ->group(what);
  app.add_option("--annotation", o.annotation,
                 "id of the person in that file, where it holds several")
      ->type_name("ID")
      ->group(what);
  app.add_option(
         "-t,--truth", o.truth,
         "where the joints should be: self (where the network puts them), annotation (where "
         "the COCO file says), or that file itself")
      ->type_name("self|annotation|FILE")
      ->group(what);
  app.add_option(
         "--mask", o.mask,
         "the person's pixels, for FI: none, annotation (its segmentation), selfie (a "
         "segmentation network), or a picture (white on black); auto takes the annotation's "
         "where there is one")
      ->type_name("MASK")
      ->group(what);
  app.add_option("--size", o.size, "side of the network's input, for networks that take any")
      ->type_name("PIXELS")
      ->group(what);
  app.add_option("--beta", o.beta, "inverse temperature with which heatmaps are read")
      ->check(number_between(1e-12, 1e12, "a number from 1e-12 to 1e12"))
      ->type_name("NUMBER")
      ->group(what);

  const std::string how = "How to explain";
  pk::PoseIgOptions& ig = o.integration;
  add_choice<pk::PathKind>(app, "--path", ig.path,
                           {{"blur", pk::PathKind::blur}, {"straight", pk::PathKind::straight}},
                           "the way from the baseline to the image")
      ->group(how);
  app.add_option("--sigma", ig.sigma, "blur path: standard deviation of the baseline, pixels")
      ->check(number_between(0, 10000, "pixels from 0 to 10000"))
      ->type_name("PIXELS")
      ->group(how);
  add_choice<pk::BlurKernel>(
      app, "--kernel", ig.kernel,
      {{"gaussian", pk::BlurKernel::gaussian}, {"taps31", pk::BlurKernel::taps_31}},
      "blur path: the full Gaussian, or 31 taps as in the reference")
      ->group(how);
  app.add_option("--baseline", o.baseline,
                 "straight path: black, mean (the mean colour), constant, or a picture")
      ->type_name("BASELINE")
      ->group(how);
  app.add_option("--baseline-value", ig.baseline_value, "straight path: the constant, in [0, 1]")
      ->check(number_between(0, 1, "a number from 0 to 1"))
      ->type_name("NUMBER")
      ->group(how);
  app.add_option("-n,--steps", ig.steps, "points of the path")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1000000}).description(""))
      ->type_name("COUNT")
      ->group(how);
  add_choice<pk::Quadrature>(app, "--rule", ig.rule,
                             {{"left", pk::Quadrature::left},
                              {"midpoint", pk::Quadrature::midpoint},
                              {"trapezoid", pk::Quadrature::trapezoid},
                              {"gauss-legendre", pk::Quadrature::gauss_legendre}},
                             "quadrature rule")
      ->group(how);
  add_choice<pk::Integrand>(
      app, "--integrand", ig.integrand,
      {{"path", pk::Integrand::path_derivative}, {"endpoint", pk::Integrand::endpoint_difference}},
      "path: attributions sum to the change of the likelihood; endpoint: the "
      "paper's Eq. 10 as printed")
      ->group(how);
  add_choice<pk::LikelihoodKind>(app, "--likelihood", ig.likelihood.kind,
                                 {{"squared", pk::LikelihoodKind::squared_distance},
                                  {"distance", pk::LikelihoodKind::distance}},
                                 "exp(-c d^2), or exp(-c d) as in the reference")
      ->group(how);
  app.add_option("--c", ig.likelihood.c, "how fast the likelihood falls with the distance")
      ->check(positive_number())
      ->type_name("NUMBER")
      ->group(how);
  app.add_option("--space", o.space, "pixels in which the distance is measured")
      ->check(CLI::IsMember({"crop", "photo"}).description(""))
      ->type_name("crop|photo")
      ->group(how);
  app.add_option("--noise-samples", ig.noise_samples,
                 "average over this many noisy copies (SmoothGrad)")
      ->check(CLI::Range(std::size_t{0}, std::size_t{10000}).description(""))
      ->type_name("COUNT")
      ->group(how);
  app.add_option("--noise-sigma", ig.noise_sigma,
                 "standard deviation of that noise, image in [0, 1]")
      ->check(number_between(0, 100, "a number from 0 to 100"))
      ->type_name("NUMBER")
      ->group(how);
  app.add_option("--seed", ig.seed, "seed of that noise")->type_name("NUMBER")->group(how);
  app.add_option("--threads", ig.threads, "threads; 0: all")
      ->check(CLI::Range(0, 1024).description(""))
      ->type_name("COUNT")
      ->group(how);

  parse_or_exit(app, argc, argv, [&] {
    if (list) {
      for (const pk::PoseModelEntry& entry : pk::pose_model_entries) {
        std::cout << entry.name << std::string(26 - entry.name.size(), ' ') << entry.summary
                  << '\n';
      }
      std::exit(finish_printing("posekit-explain") ? 0 : 1);
    }
    if (o.image.empty()) throw CLI::RequiredError("--image");
    const auto needs = [&](const char* option, bool met, const char* companion) {
      if (app.count(option) > 0 && !met) {
        throw CLI::ValidationError(option, std::string("has no effect without ") + companion);
      }
    };
    const bool straight = ig.path == pk::PathKind::straight;
    if (straight) {
      const std::map<std::string, pk::Baseline> named{{"black", pk::Baseline::black},
                                                      {"mean", pk::Baseline::mean},
                                                      {"constant", pk::Baseline::constant}};
      const auto found = named.find(o.baseline);
      ig.baseline = found == named.end() ? pk::Baseline::image : found->second;
    }
    needs("--baseline", straight, "--path straight");
    needs("--baseline-value", straight && o.baseline == "constant", "--baseline constant");
    needs("--sigma", !straight, "--path blur");
    needs("--kernel", !straight, "--path blur");
    needs("--noise-sigma", ig.noise_samples > 0, "--noise-samples");
    needs("--seed", ig.noise_samples > 0, "--noise-samples");
    if (o.truth != "self" && o.truth != "annotation") {
      if (!o.annotations.empty()) {
        throw CLI::ValidationError("--truth",
                                   "names a file, and --annotations another; give one of them");
      }
      o.annotations = o.truth;
      o.truth = "annotation";
    }
    if (pk::is_folder(o.image)) {
      if (o.annotations.empty()) {
        throw CLI::ValidationError("--annotations", "is needed: a COCO file with the people");
      }
      for (const char* alone : {"--annotation", "--box", "--sanity"}) {
        if (app.count(alone) > 0) {
          throw CLI::ValidationError(alone, "is for a single photo, --image names a folder");
        }
      }
      if (app.count("--truth") == 0) o.truth = "annotation";
    }
    if (o.annotations.empty() &&
        (o.truth == "annotation" || o.mask == "annotation" || o.annotation)) {
      throw CLI::ValidationError("--annotations", "is needed: a COCO file with the person");
    }
  });
  return o;
}
