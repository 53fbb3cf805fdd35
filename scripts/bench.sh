#!/usr/bin/env bash
# Times posekit beside PyTorch, OpenCV, ONNX Runtime and scipy, in one go on one machine, and prints the
# tables of docs/benchmarks.md. Installs the peers (about 1 GB). Results go to out/bench/.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -eq 0 ] || die "usage: scripts/bench.sh"

need_compiler
need_packages libbenchmark-dev libtorch-dev libopencv-dev libopenblas0-pthread \
  python3-numpy python3-scipy python3-torch python3-onnx
"$root/scripts/fetch_models.sh" --all
"$root/scripts/fetch_photo.sh"
out=$root/out/bench
build=$root/build/bench
mkdir -p "$out"
python=/usr/bin/python3  # Debian's, which has the packages

say "building the benchmarks in ${build#"$root/"}"
common=(-DPOSEKIT_BUILD_TESTS=OFF -DPOSEKIT_BUILD_EXAMPLES=OFF)
build bench -- "${common[@]}" -DPOSEKIT_BENCH_TORCH=ON -DPOSEKIT_BENCH_OPENCV=ON

# The heatmap kernels for lesser processors too, without peers.
for set in avx2 baseline; do
  flags=
  [ $set != avx2 ] || flags="-mavx2 -mfma"
  build "bench-$set" bench_heatmaps -- "${common[@]}" -DPOSEKIT_NATIVE=OFF -DCMAKE_CXX_FLAGS="$flags"
done

# time TOPIC NAME ARGUMENTS...: runs a program and keeps what it prints under that name.
time_topic() {
  local topic=$1 name=$2
  shift 2
  say "timing: $name"
  # Threads of a library that is not being timed must not take the processor.
  OPENBLAS_NUM_THREADS=1 "$build/bench/bench_$topic" --benchmark_report_aggregates_only=true "$@" \
    --benchmark_out="$out/$name.json" --benchmark_out_format=json >"$out/$name.txt" 2>"$out/$name.log" ||
    { cat "$out/$name.log" >&2; die "bench_$topic failed"; }
}
time_topic machine machine --benchmark_repetitions=3
time_topic attribution attribution --benchmark_repetitions=5 --benchmark_min_time=0.1
for threads in 1 2; do
  # All that are compared take turns in one process.
  for topic in networks heatmaps losses pose training hourglass lifting; do
    time_topic "$topic" "$topic-$threads" --benchmark_filter="threads:$threads|exponentials" --benchmark_repetitions=5 \
      --benchmark_enable_random_interleaving=true --benchmark_min_time=0.1
  done
done
native=$build
for set in avx2 baseline; do
  build=$native-$set
  time_topic heatmaps "heatmaps-$set" --benchmark_filter="threads:1" --benchmark_repetitions=5 --benchmark_min_time=0.1
done
build=$native
"$build/bench/bench_training" --memory >"$out/training-memory.txt" || die "bench_training --memory failed"
time_topic layers layers --benchmark_repetitions=1 --benchmark_min_time=0.05 --benchmark_report_aggregates_only=false

say "timing: ONNX Runtime"
runtime=$root/build/onnxruntime
mkdir -p "$runtime"
[ -d "$runtime/node_modules/onnxruntime-node" ] ||
  (cd "$runtime" && npm install --silent --ignore-scripts --no-audit --no-fund onnxruntime-node@1.30.0) ||
  die "npm could not install onnxruntime-node"
# network, fed node, size, lowest and highest input, output node
: >"$out/onnxruntime.txt"
while read -r network feed size low high node; do
  "$python" "$root/bench/peers/onnxruntime/convert.py" "$root/models/$network.json" "$feed" "$size" "$low" "$high" \
    "$node" "$runtime/$network.onnx"
  for threads in 1 2; do
    median=$(cd "$runtime" && node "$root/bench/peers/onnxruntime/forward.mjs" "$network.onnx" "$size" "$threads")
    echo "$network $threads $median" >>"$out/onnxruntime.txt"
  done
done <<'NETWORKS'
posenet image 257 -1 1 MobilenetV1/heatmap_2/BiasAdd
blazepose-lite input_1 256 0 1 StatefulPartitionedCall/model/activation_heatmap/Sigmoid
NETWORKS

say "timing: scipy's gaussian_kde"
OPENBLAS_NUM_THREADS=1 "$python" "$root/bench/peers/kde_scipy.py" >"$out/kde_scipy.txt"

say "timing: Python's metrics of poses"
OPENBLAS_NUM_THREADS=1 "$python" "$root/bench/peers/poses_python.py" >"$out/poses_python.txt"

"$python" "$root/bench/summary.py" "$out" | tee "$out/summary.md"
