// Outputs and input gradients of pretrained networks from TensorFlow.js, thinned.
//
// Writes tests/golden/tfjs/. Run it where `npm install @tensorflow/tfjs@4.22.0` was, after
// scripts/fetch_models.sh --all; it takes half an hour:
//     node make_tfjs.mjs MODELS_FOLDER OUTPUT_FOLDER
import * as fs from 'node:fs';
import * as path from 'node:path';
import { createRequire } from 'node:module';

const require = createRequire(path.join(process.cwd(), 'x.js'));
const tf = require('@tensorflow/tfjs');
const [models, out] = process.argv.slice(2);

const stack = 'StatefulPartitionedCall/stack';
const heatmaps = 'StatefulPartitionedCall/kpt_heatmap_0/conv2d_5/BiasAdd';
const blazepose = { size: 256, low: 0, high: 1, outputs: ['activation_heatmap', 'ld_3d', 'world_3d', 'output_poseflag', 'activation_segmentation'] };
const hand = { size: 224, low: 0, high: 1, outputs: ['Identity', 'Identity_1', 'Identity_2', 'Identity_3'] };
// The input's range, the node that is fed (none: the network's input) and what is kept; the gradient
// is that of the first output. Rounding moves a few rectified units over their kinks and so the gradient,
// by up to `tolerance`: PyTorch's in float32 is as far from its own in float64.
const cases = {
  'movenet-lightning': { size: 192, low: 0, high: 255, feed: stack, outputs: [heatmaps, 'Identity'] },
  'movenet-thunder': { size: 256, low: 0, high: 255, feed: stack, outputs: [heatmaps, 'Identity'] },
  posenet: { size: 257, low: -1, high: 1, outputs: ['MobilenetV1/heatmap_2/BiasAdd', 'MobilenetV1/offset_2/BiasAdd', 'MobilenetV1/displacement_bwd_2/BiasAdd'] },
  efficientpose: { size: 288, low: -1, high: 1, outputs: ['upscaled_confs/BiasAdd'] },
  'blazepose-lite': blazepose,
  'blazepose-full': { ...blazepose, tolerance: 0.08 },
  'blazepose-heavy': blazepose,
  'handlandmark-lite': hand,
  'handlandmark-full': hand,
  handskeleton: { size: 256, low: 0, high: 1, outputs: [] },
  selfie: { size: 256, low: 0, high: 1, outputs: ['activation_10'], tolerance: 0.04 },
};

/// A soft pattern in every colour, from `low` to `high`, that tests can compute too.
function pattern({ size, low, high }) {
  const values = new Float32Array(size * size * 3);
  for (let y = 0, i = 0; y < size; ++y)
    for (let x = 0; x < size; ++x)
      for (let c = 0; c < 3; ++c, ++i)
        values[i] = low + (high - low) * (0.5 + 0.3 * Math.sin(0.11 * x + 0.05 * y + c) +
                                          0.2 * Math.cos(0.07 * y - 0.13 * x + 2 * c));
  return tf.tensor4d(values, [1, size, size, 3]);
}

/// Every so many elements that no more than `most` are left. The step has no factor in common with
/// the extents.
function thinned(values, most) {
  let step = Math.max(1, Math.ceil(values.length / most));
  const common = (a, b) => (b === 0 ? a : common(b, a % b));
  while (common(step, values.length) !== 1 && step > 1) ++step;
  return { step, kept: Float32Array.from({ length: Math.ceil(values.length / step) }, (_, i) => values[i * step]) };
}

function writeNpy(file, values) {
  let header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${values.length},), }`;
  header += ' '.repeat(63 - ((10 + header.length) % 64)) + '\n';
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  fs.writeFileSync(file, Buffer.concat([head, Buffer.from(header, 'latin1'), Buffer.from(values.buffer)]));
}

await tf.setBackend('cpu');
// TensorFlow.js differentiates a resizing with half-pixel centres as if it had none: here it is two
// matrix products.
function weights(input, output) {
  const rows = [];
  for (let o = 0; o < output; ++o) {
    const at = Math.min(Math.max(((o + 0.5) * input) / output - 0.5, 0), input - 1);
    const row = new Array(input).fill(0);
    row[Math.floor(at)] += 1 - (at - Math.floor(at));
    if (at > Math.floor(at)) row[Math.floor(at) + 1] += at - Math.floor(at);
    rows.push(row);
  }
  return tf.tensor2d(rows, [output, input]);
}
const plain = tf.getGradient('ResizeBilinear');
tf.unregisterGradient('ResizeBilinear');
tf.registerGradient({
  ...plain,
  gradFunc: (dy, saved, attrs) => {
    if (!attrs.halfPixelCenters || attrs.alignCorners) return plain.gradFunc(dy, saved, attrs);
    const [n, height, width, channels] = saved[0].shape;
    const [, rows, columns] = dy.shape;
    if (n !== 1) throw new Error('one image at a time');
    return {
      images: () => {
        const y = weights(height, rows).transpose(), x = weights(width, columns).transpose();
        const down = y.matMul(dy.reshape([rows, columns * channels])).reshape([height, columns, channels]);
        const across = x.matMul(down.transpose([1, 0, 2]).reshape([columns, height * channels]));
        return across.reshape([width, height, channels]).transpose([1, 0, 2]).expandDims(0);
      },
    };
  },
});
const described = [];
for (const [network, spec] of Object.entries(cases)) {
  const model = JSON.parse(fs.readFileSync(path.join(models, `${network}.json`), 'utf8'));
  const bytes = fs.readFileSync(path.join(models, `${network}.bin`));
  // Some networks take other sizes than the one that their file names.
  for (const node of model.modelTopology.node) if (node.op === 'Placeholder') delete node.attr.shape;
  const graph = await tf.loadGraphModel(tf.io.fromMemory({
    modelTopology: model.modelTopology,
    format: model.format,
    signature: model.signature,
    userDefinedMetadata: model.userDefinedMetadata,
    weightSpecs: model.weightsManifest.flatMap((group) => group.weights),
    weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
  }));
  const feed = spec.feed ?? graph.inputs[0].name;
  const outputs = spec.outputs.length > 0 ? spec.outputs : graph.outputs.map((o) => o.name);
  const run = (x) => {
    const results = graph.execute({ [feed]: x }, outputs);
    return Array.isArray(results) ? results : [results];
  };
  const image = pattern(spec);
  const item = { network, feed: spec.feed ?? null, size: spec.size, low: spec.low, high: spec.high, outputs: [] };
  const results = run(image);
  outputs.forEach((tensor, i) => {
    const { step, kept } = thinned(results[i].dataSync(), 250);
    const file = `${network}.output${i}.npy`;
    writeNpy(path.join(out, file), kept);
    item.outputs.push({ tensor: tensor.replace(/:0$/, ''), step, file });
  });
  // The gradient of sum_i cos(i) output_i.
  const cotangent = tf.tidy(() => tf.cos(tf.range(0, results[0].size, 1, 'float32')).reshape(results[0].shape));
  const gradient = tf.grad((x) => run(x)[0].mul(cotangent).sum())(image);
  const { step, kept } = thinned(gradient.dataSync(), 500);
  item.gradient = { step, file: `${network}.gradient.npy`, tolerance: spec.tolerance ?? 0.02 };
  writeNpy(path.join(out, item.gradient.file), kept);
  described.push(item);
  console.log(network, item.outputs.map((o) => o.tensor).join(' '), kept.length);
}
fs.writeFileSync(path.join(out, 'cases.json'), JSON.stringify(described, null, 1) + '\n');
