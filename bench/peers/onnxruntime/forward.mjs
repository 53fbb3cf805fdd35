// Times ONNX Runtime on what convert.py wrote:  node forward.mjs MODEL.onnx SIZE THREADS
// Prints the median of the forward pass in milliseconds, after checking its output.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// Where it is run from, onnxruntime-node is installed.
const ort = createRequire(process.cwd() + "/")("onnxruntime-node");

const [model, size, threads] = process.argv.slice(2);
const floats = (file) => new Float32Array(new Uint8Array(readFileSync(file)).buffer);
const input = floats(model.replace(/onnx$/, "input.bin"));
const expected = floats(model.replace(/onnx$/, "output.bin"));
const session = await ort.InferenceSession.create(model, {
  intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: "sequential", graphOptimizationLevel: "all",
});
const feeds = { input: new ort.Tensor("float32", input, [1, 3, Number(size), Number(size)]) };
const run = async () => Object.values(await session.run(feeds))[0].data;

const output = await run();
let difference = 0, norm = 0;
for (let i = 0; i < expected.length; ++i) {
  difference += (output[i] - expected[i]) ** 2;
  norm += expected[i] ** 2;
}
const error = Math.sqrt(difference / norm);
if (output.length !== expected.length || !(error < 1e-4)) {
  console.error(`${model}: differs from PyTorch by ${error} (relative L2)`);
  process.exit(1);
}
for (let i = 0; i < 20; ++i) await run();
const times = [];
for (let i = 0; i < 200; ++i) {
  const start = process.hrtime.bigint();
  await run();
  times.push(Number(process.hrtime.bigint() - start) / 1e6);
}
times.sort((a, b) => a - b);
console.log(times[100].toFixed(3));
