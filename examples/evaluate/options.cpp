#include "options.hpp"

#include "command_line.hpp"

EvaluateOptions parse_command_line(int argc, char** argv) {
  EvaluateOptions o;
  CLI::App app{
      "Measures predicted poses: COCO results against annotations, or arrays of poses.\n"
      "Prints a table and writes evaluation.json and evaluation.csv.\n",
      "posekit-evaluate"};
  app.footer(
      "\nExamples:\n"
      "  posekit-evaluate --truth person_keypoints.json --results results.json\n"
      "  posekit-evaluate --truth truth.npy --results prediction.npy --skeleton mpi_inf_3dhp_17\n"
      "  posekit-evaluate --truth keypoints.json --results results.json --figures out/figures \\\n"
      "    --attributions attributions.csv\n"
      "\n"
      "Exit status: 0 done, 1 something was wrong with the input (one line says what). Nothing is\n"
      "written unless the run ends well.");
  app.get_formatter()->column_width(28);
  app.option_defaults()->always_capture_default();
  app.add_option(
         "-t,--truth", o.truth,
         "COCO keypoint annotations (.json), or poses [F, J, 2 or 3] (.npy, or 'poses' in .npz)")
      ->type_name("FILE")
      ->required();
  app.add_option("-r,--results", o.results,
                 "COCO results (.json), or poses of that shape (.npy, .npz)")
      ->type_name("FILE")
      ->required();
  app.add_option("--skeleton", o.skeleton, "joints of the arrays: coco_17, human36m_17, ...")
      ->type_name("NAME");
  app.add_option("--visible", o.visible, "which joints of the arrays count: [F, J] (.npy)")
      ->type_name("FILE");
  app.add_option("--unit", o.unit, "of the arrays; px in the plane and mm in space, if not given")
      ->type_name("UNIT");
  app.add_option("--attributions", o.attributions,
                 "a table (.csv) with the columns annotation, joint, fi, li and di, such as "
                 "posekit-explain writes for a folder: errors are related to these indices")
      ->type_name("FILE");
  app.add_option("-o,--output", o.output, "folder for evaluation.json and evaluation.csv")
      ->type_name("DIR");
  app.add_option("--figures", o.figures, "folder for pictures; none are drawn without it")
      ->type_name("DIR");
  app.add_option("--epsilon", o.epsilon,
                 "pixels within which a joint counts as predicted at another one's place")
      ->check(positive_number())
      ->type_name("PIXELS");
  app.add_option("--threads", o.threads, "threads; 0: all")
      ->check(CLI::Range(0, 1024).description(""))
      ->type_name("COUNT");
  app.add_flag("-q,--quiet", o.quiet, "print nothing but errors")->default_str("");
  parse_or_exit(app, argc, argv);
  return o;
}
