#!/usr/bin/env python3
"""Makes tests/data/step/cam.safetensors with PyTorch: python3 tests/make_cam_data.py

Grad-CAM by its definition, in float64: autograd from each class's logit to layer4's output, the mean
over positions, the weighted sum, ReLU; enlarged with interpolate. Weights and pictures are those of
make_step_data.py's formula, so only maps are stored: of two pictures and both classes.
"""
import torch
import torch.nn.functional as F

from make_step_data import OUT, Network, fill, save, tensor


class DropoutNetwork(Network):
    def forward(self, x):
        return self.head(F.dropout(torch.relu(self.body(x)), 0.5, self.training))


def maps(kind, arch, height, width):
    network = kind(arch)
    fill(network, 0.0)
    network = network.double().eval()
    kept = []
    network.body.layer4.register_forward_hook(lambda module, inputs, output: kept.append(output))
    logits = network(tensor("images", 2, 3, height, width))
    result = []
    for label in (0, 1):
        gradient, = torch.autograd.grad(logits[:, label].sum(), kept[0], retain_graph=True)
        weights = gradient.mean((2, 3), keepdim=True)
        result.append(torch.relu((weights * kept[0]).sum(1)).detach())
    return torch.stack(result, 1)  # picture, class, row, column


def main():
    out = {}
    for kind, head in ((Network, "relu"), (DropoutNetwork, "dropout")):
        for arch in ("resnet18", "resnet50"):
            for height, width in ((96, 64), (128, 160)):
                name = f"{arch}.{head}.{height}x{width}"
                found = maps(kind, arch, height, width)
                enlarged = F.interpolate(found[:1, :1], (height, width), mode="bilinear",
                                         align_corners=False)
                out[name + ".maps"] = found
                if (head, height) == ("relu", 96):  # the same arithmetic for all
                    out[name + ".enlarged"] = enlarged.float()
                print(f"{name}: largest {found.amax((2, 3)).flatten().numpy()}, "
                      f"{(found == 0).double().mean():.0%} cut off")
    save(OUT / "cam.safetensors", out)


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
