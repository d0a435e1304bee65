"""What train_vs_pytorch.py measures, as rows and as a table."""
import statistics


def key_of(task):
    return {key: task[key] for key in ("data", "batch", "precision")}


def make_row(task, runs):
    row = key_of(task)
    for name, results in runs.items():
        failed = [one["error"] for one in results if "error" in one]
        row[name] = {"error": failed[0]} if failed else {
            "images_per_second": statistics.median(one["rate"] for one in results), "runs": results}
    if "error" in row["assay"]:
        return row
    for name in runs:
        if name != "assay" and "error" not in row[name]:
            ratios = [a["rate"] / b["rate"] for a, b in zip(runs["assay"], runs[name])]
            row["ratio_" + name] = {"median": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}
    return row


def cell(row, name):
    one = row.get(name)
    if one is None:
        return "not run"
    return "failed" if "error" in one else "%.0f" % one["images_per_second"]


def ratio(row, name):
    one = row.get("ratio_" + name)
    return "" if one is None else "%.2f x (%.2f to %.2f)" % (one["median"], one["low"], one["high"])


def distance(row):
    floor = row.get("floor_images_per_second")
    return "" if floor is None else "%.0f, %.0f %%" % (floor, 100 * row["assay"]["images_per_second"] / floor)


def median_of(row, name, value, shape):
    """Over the runs that have the value; empty where none has."""
    values = [value(one) for one in row.get(name, {}).get("runs", [])]
    values = [one for one in values if one is not None]
    return shape % statistics.median(values) if values else ""


def of_device(row):
    """What is left of the speed on pictures that are on the device already."""
    if row["data"] == "random":
        return ""
    return median_of(row, "assay", lambda one: 100 * one["rate"] / one["training_rate"], "%.0f %%")


def reserved(row, name):
    return median_of(row, name, lambda one: one["reserved"] / 2**20, "%.0f MiB")


def table(document):
    lines = ["| data | batch | precision | assay, images/s | floor, and how near | of the speed without input | "
             "GPU busy | memory it reserved | memory by nvidia-smi | PyTorch eager | ratio | memory it reserved | "
             "torch.compile | ratio | memory it reserved |", "| --- " * 15 + "|"]
    for row in document["rows"]:
        lines.append("| " + " | ".join((
            row["data"], "%d" % row["batch"], row["precision"], cell(row, "assay"), distance(row), of_device(row),
            median_of(row, "assay", lambda one: 100 * one["busy"] if "busy" in one else None, "%.0f %%"),
            reserved(row, "assay"), median_of(row, "assay", lambda one: one.get("memory_mib"), "%.0f MiB"),
            cell(row, "eager"), ratio(row, "eager"), reserved(row, "eager"), cell(row, "compile"),
            ratio(row, "compile"), reserved(row, "compile"))) + " |")
    return "\n".join(lines) + "\n"
