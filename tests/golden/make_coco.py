#!/usr/bin/env python3
"""COCO's keypoint evaluation of invented people, by an implementation of its own in numpy.

Writes coco/{truth,results}.json and coco/values.npy (AP, AP50, AP75, APm, APl, AR, AR50, AR75, ARm, ARl):
crowds, people without labelled keypoints, sizes on every side of the limits, more than 20 detections of an
image, equal scores, images without people and without detections."""
import json
import pathlib

import numpy as np

SIGMAS = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
THRESHOLDS = np.linspace(.5, .95, 10)
RECALLS = np.linspace(0, 1, 101)
RANGES = ((0, 1e10), (32 ** 2, 96 ** 2), (96 ** 2, 1e10))


def similarity(person, detection):
    p, d = np.array(person["keypoints"], float).reshape(17, 3), np.array(detection["keypoints"], float).reshape(17, 3)
    seen = p[:, 2] > 0
    if seen.any():
        square = ((p - d)[:, :2] ** 2).sum(1)
    else:
        x, y, w, h = person["bbox"]
        low, high = np.array([x - w, y - h]), np.array([x + 2 * w, y + 2 * h])
        away = np.maximum(low - d[:, :2], 0) + np.maximum(d[:, :2] - high, 0)
        square, seen = (away ** 2).sum(1), np.ones(17, bool)
    return np.exp(-square / (2 * SIGMAS) ** 2 / (person["area"] + np.spacing(1)) / 2)[seen].mean()


def match(people, detections, ignored, outside, threshold):
    """For each detection, best first: (found somebody, is ignored)."""
    free = [True] * len(people)
    order = sorted(range(len(people)), key=lambda i: ignored[i])
    result = []
    for d, detection in enumerate(detections):
        best, chosen = min(threshold, 1 - 1e-10), None
        for i in order:
            if not free[i] and not people[i]["iscrowd"]:
                continue
            if chosen is not None and not ignored[chosen] and ignored[i]:
                break
            value = similarity(people[i], detection)
            if value >= best:
                best, chosen = value, i
        if chosen is None:
            result.append((False, outside[d]))
        else:
            free[chosen] = False
            result.append((True, ignored[chosen]))
    return result


def evaluate(truth, results):
    precision, recall = np.full((3, 10, 101), -1.0), np.full((3, 10), -1.0)
    for r, (low, high) in enumerate(RANGES):
        for t, threshold in enumerate(THRESHOLDS):
            scores, matches, wanted = [], [], 0
            for image in sorted(i["id"] for i in truth["images"]):
                people = [a for a in truth["annotations"] if a["image_id"] == image]
                detections = sorted((d for d in results if d["image_id"] == image), key=lambda d: -d["score"])[:20]
                ignored = [bool(a["iscrowd"]) or a["num_keypoints"] == 0 or not low <= a["area"] <= high for a in people]
                boxes = [np.array(d["keypoints"]).reshape(17, 3)[:, :2] for d in detections]
                areas = [np.prod(b.max(0) - b.min(0)) for b in boxes]
                wanted += ignored.count(False)
                scores += [d["score"] for d in detections]
                matches += match(people, detections, ignored, [not low <= a <= high for a in areas], threshold)
            if wanted == 0:
                continue
            order = np.argsort(-np.array(scores), kind="stable")
            found, skipped = np.array(matches, bool)[order].T
            right, wrong = np.cumsum(found & ~skipped), np.cumsum(~found & ~skipped)
            sensitivity = right / wanted
            best = np.maximum.accumulate((right / (right + wrong + np.spacing(1)))[::-1])[::-1]
            recall[r, t] = sensitivity[-1]
            at = np.searchsorted(sensitivity, RECALLS)
            precision[r, t] = [best[i] if i < len(best) else 0 for i in at]
    mean = lambda v: v[v > -1].mean() if (v > -1).any() else -1
    return [mean(precision[0]), mean(precision[0, 0]), mean(precision[0, 5]), mean(precision[1]), mean(precision[2]),
            mean(recall[0]), mean(recall[0, 0]), mean(recall[0, 5]), mean(recall[1]), mean(recall[2])]


def invent(random, images):
    truth = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "person"}]}
    results = []
    for image in range(images):
        truth["images"].append({"id": 100 - image, "file_name": f"{image}.jpg", "width": 640, "height": 480})
        for _ in range(int(random.integers(0, 5))):
            size = float(random.choice([20, 40, 80, 150]))
            corner = random.uniform(0, 300, 2)
            points = corner + random.uniform(0, size, (17, 2))
            kind = random.random()
            seen = np.zeros(17) if kind < 0.15 else random.choice([0, 1, 2], 17)
            annotation = {"id": len(truth["annotations"]) + 1, "image_id": 100 - image, "category_id": 1,
                          "iscrowd": int(0.1 < kind < 0.2), "num_keypoints": int((seen > 0).sum()),
                          "area": round(size ** 2 * float(random.uniform(0.5, 1)), 2),
                          "bbox": [round(float(v), 2) for v in (*corner, size, size)],
                          "keypoints": [round(float(v), 2) if k < 2 else int(v) for p, s in zip(points, seen)
                                        for k, v in enumerate((*(p * (s > 0)), s))]}
            truth["annotations"].append(annotation)
            for _ in range(int(random.integers(0, 3)) if image != 3 else 9):
                noisy = points + random.normal(0, size * float(random.choice([0.01, 0.04, 0.1])), (17, 2))
                results.append({"image_id": 100 - image, "category_id": 1, "score": round(float(random.random()), 1),
                                "keypoints": [round(float(v), 2) for p in noisy for v in (*p, 1)]})
        if random.random() < 0.4:
            results.append({"image_id": 100 - image, "category_id": 1, "score": round(float(random.random()), 2),
                            "keypoints": [round(float(v), 2) for p in random.uniform(0, 400, (17, 2)) for v in (*p, 1)]})
    return truth, results


if __name__ == "__main__":
    out = pathlib.Path(__file__).parent / "coco"
    out.mkdir(exist_ok=True)
    truth, results = invent(np.random.default_rng(7), 24)
    (out / "truth.json").write_text(json.dumps(truth, separators=(",", ":")))
    (out / "results.json").write_text(json.dumps(results, separators=(",", ":")))
    np.save(out / "values.npy", evaluate(truth, results))
    print(evaluate(truth, results))
