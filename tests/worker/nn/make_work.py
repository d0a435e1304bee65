"""Makes tests/data/work/counts.inc: FLOPs and bytes of each layer, counted on torchvision's own modules
from the tensors that pass through them (worker/nn/work.h says what is counted).

Run with torch 1.13 and torchvision: python3 tests/worker/nn/make_work.py
A row is a layer: flops and bytes of forward, of the gradient of the input, of the gradients of the weights.
"""
import pathlib

import torch
import torchvision
from torchvision.models.resnet import BasicBlock, Bottleneck

OUT = pathlib.Path(__file__).parents[2] / "data" / "work" / "counts.inc"


def trace(arch, size):
    """name -> (module, values of the input of one picture, of the output)"""
    torch.manual_seed(0)
    body = getattr(torchvision.models, arch)()
    body.head = torch.nn.Linear(1000, 2)
    seen = {}

    def hook(name):
        def record(module, inputs, output):
            seen[name] = (module, inputs[0].numel(), output.numel())
        return record

    for name, module in body.named_modules():
        if not list(module.children()) and not isinstance(module, torch.nn.ReLU):
            module.register_forward_hook(hook(name))
    body.eval()
    with torch.no_grad():
        body.head(body(torch.zeros(1, 3, size, size)))
    blocks = {name: module for name, module in body.named_modules() if isinstance(module, (BasicBlock, Bottleneck))}
    return seen, blocks


def rows(arch, size, batch, element):
    seen, blocks = trace(arch, size)
    last_block = list(blocks)[-1]
    for name, (module, one_in, one_out) in seen.items():
        ins, outs = one_in * batch, one_out * batch
        zero = (0, 0)
        if isinstance(module, torch.nn.Conv2d):
            weights = module.weight.numel()
            flops = 2 * (outs // module.out_channels) * weights
            both = (flops, (ins + outs + weights) * element)
            yield name, both, zero if name == "conv1" else both, both
        elif isinstance(module, torch.nn.Linear):
            weights, bias = module.weight.numel(), module.bias.numel()
            flops = 2 * batch * weights
            plain = (ins + outs + weights) * 4
            yield name, (flops, plain + 4 * bias), (flops, plain), (flops, plain + 4 * bias)
        elif isinstance(module, torch.nn.BatchNorm2d):
            block, _, inside = name.rpartition(".bn")
            ends = block in blocks and inside == ("2" if isinstance(blocks[block], BasicBlock) else "3")
            down = ".downsample." in name
            # the end of a block is read by the next one twice, or by the average pool once
            readers = 2 if ends and block != last_block else 1
            forward = 3 if ends else 2  # input, residual; output
            # gradients; input; the output for the ReLU's mask; the residual's gradient; the input's
            back = readers + 1 + (2 if ends else 0) + 1
            assert not (down and ends)
            yield name, (0, forward * outs * element), (0, back * outs * element), zero
        elif isinstance(module, torch.nn.MaxPool2d):
            # conv1 and the shortcut read it
            yield "max pool", (0, (ins + outs) * element + outs), (0, (ins + 2 * outs) * element + outs), zero
        elif isinstance(module, torch.nn.AdaptiveAvgPool2d):
            yield "average pool", (0, ins * element + outs * 4), (0, ins * element + outs * 4), zero


def main():
    lines = ["/* Made by tests/worker/nn/make_work.py. */"]
    for arch, size, batch, element in (("resnet50", 224, 32, 4), ("resnet50", 224, 32, 2), ("resnet18", 65, 3, 2)):
        lines.append("static const struct counted %s_%d_%d_%s[] = {" % (
            arch, size, batch, "bf16" if element == 2 else "fp32"))
        for name, *passes in rows(arch, size, batch, element):
            numbers = ", ".join("{%d, %d}" % one for one in passes)
            lines.append("    {\"%s\", {%s}}," % (name, numbers))
        lines.append("};")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text("\n".join(lines) + "\n")


main()
