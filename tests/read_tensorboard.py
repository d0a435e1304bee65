#!/usr/bin/env python3
"""Reads event files back with the real tensorboard package, checksums included, and says what
TensorBoard shows: each run's tags, and the HPARAMS page's columns and rows.

    python3 -m venv VENV && VENV/bin/pip install tensorboard
    VENV/bin/python tests/read_tensorboard.py LOGDIR     a worker's DIR/experiments, or what
                                                         assay tensorboard ... --out wrote

Exits 1 when a record is damaged, a step of a tag stands twice or goes back, or a run lacks the tags
that every finished run has.
"""
import os
import sys

from tensorboard.backend.event_processing import data_provider, event_file_loader
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins import base_plugin
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

ALWAYS = {"loss_train", "loss_train_epoch", "accuracy_train", "recall_train", "loss_valid",
          "accuracy_valid", "recall_valid", "learning_rate", "loss_test_best", "loss_test_last"}


def read(path):
    """The scalars of a file as {tag: [(step, value)]}; the loader checks both CRCs of a record."""
    scalars = {}
    for event in event_file_loader.EventFileLoader(path).Load():
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "scalars":
                scalars.setdefault(value.tag, []).append((event.step, value.tensor.float_val[0]))
    return scalars


def main(logdir):
    bad = 0
    for folder, _, names in sorted(os.walk(logdir)):
        for name in names:
            if "tfevents" not in name:
                continue
            scalars = read(os.path.join(folder, name))
            print(f"run {os.path.relpath(folder, logdir)}")
            for tag, points in sorted(scalars.items()):
                steps = [step for step, _ in points]
                rising = all(a < b for a, b in zip(steps, steps[1:]))
                bad += not rising
                print(f"  {tag:22} {len(points):4} points, steps {steps[0]} to {steps[-1]}, last "
                      f"{points[-1][1]:.6g}{'' if rising else ', NOT RISING'}")
            missing = ALWAYS - scalars.keys()
            bad += bool(missing)
            if missing:
                print("  MISSING " + ", ".join(sorted(missing)))

    multiplexer = EventMultiplexer()
    multiplexer.AddRunsFromDirectory(logdir)
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, logdir)
    context = backend_context.Context(base_plugin.TBContext(data_provider=provider))
    request = RequestContext()
    metadata = context.hparams_metadata(request, "")
    experiment = context.experiment_from_metadata(request, "", True, metadata, [])
    columns = [info.name for info in experiment.hparam_infos]
    print(f"HPARAMS: {len(columns)} hparams, {len(experiment.metric_infos)} metrics")
    groups = list_session_groups.Handler(
        request, context, "", api_pb2.ListSessionGroupsRequest(
            start_index=0, slice_size=1000,
            allowed_statuses=[api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS,
                              api_pb2.STATUS_RUNNING])).run()

    def text(value):
        return value.string_value if value.HasField("string_value") else str(
            value.number_value if value.HasField("number_value") else value.bool_value)

    values = {name: {text(group.hparams[name]) for group in groups.session_groups
                     if name in group.hparams} for name in columns}
    varied = [name for name in columns if len(values[name]) > 1]
    for group in groups.session_groups:
        row = ", ".join(f"{name} = {text(group.hparams[name])}" for name in varied
                        if name in group.hparams)
        metrics = {m.name.tag: m.value for m in group.metric_values}
        print(f"  {group.name}: {row}; accuracy_valid {metrics.get('accuracy_valid', float('nan')):.4f}, "
              f"accuracy_test_best {metrics.get('accuracy_test_best', float('nan')):.4f}")
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
