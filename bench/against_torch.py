#!/usr/bin/env python3
"""Speed of Ohmic against PyTorch (Debian's python3-torch) on the same networks, in alternation.

    bench/against_torch.py build/bench/network_speed [MODEL...]

Both train (SGD with momentum) and infer on made-up images with two threads; every figure is the
fastest step or pass of all rounds. PyTorch is tuned: the better of channels_last and not, each with
a glibc that keeps freed memory (MALLOC_MMAP_THRESHOLD_, MALLOC_TRIM_THRESHOLD_) and with huge pages
(glibc.malloc.hugetlb=1)."""

import os
import subprocess
import sys
import time

ROUNDS, SECONDS, THREADS = 2, 3, 2
KEEPING = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
HUGE = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


def torch_network(name):
    from torch import nn
    import torch.nn.functional as F

    name, _, width = name.partition(":")
    w = float(width or 1)
    if name == "lenet5":
        return nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
            nn.Linear(84, 10)), (1, 28, 28)
    if name == "vgg16":
        layers, channels = [], 3
        for filters in [64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0]:
            if filters == 0:
                layers.append(nn.MaxPool2d(2))
                continue
            f = round(filters * w)
            layers += [nn.Conv2d(channels, f, 3, padding=1, bias=False), nn.BatchNorm2d(f), nn.ReLU(inplace=True)]
            channels = f
        return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels, 10)), (3, 32, 32)
    if name == "resnet20":
        class Block(nn.Module):
            def __init__(self, before, after, stride):
                super().__init__()
                self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
                self.bn1 = nn.BatchNorm2d(after)
                self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
                self.bn2 = nn.BatchNorm2d(after)
                self.skip = nn.Identity() if before == after else nn.Sequential(
                    nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

            def forward(self, x):
                y = F.relu(self.bn1(self.conv1(x)), inplace=True)
                return F.relu(self.bn2(self.conv2(y)) + self.skip(x), inplace=True)
        sizes = [round(c * w) for c in (16, 32, 64)]
        layers = [nn.Conv2d(3, sizes[0], 3, padding=1, bias=False), nn.BatchNorm2d(sizes[0]), nn.ReLU(inplace=True)]
        before = sizes[0]
        for stage, after in enumerate(sizes):
            for i in range(3):
                layers.append(Block(before, after, 2 if stage > 0 and i == 0 else 1))
                before = after
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10)), (3, 32, 32)
    sys.exit(f"no such network: {name}")


def torch_speed(name, task, batch, is_channels_last):
    import torch
    import torch.nn.functional as F

    torch.set_num_threads(THREADS)
    network, shape = torch_network(name)
    x, labels = torch.randn(batch, *shape), torch.arange(batch) % 10
    if is_channels_last:
        network, x = network.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), lr=1e-3, momentum=0.9)
    network.train(task == "train")

    def step():
        if task == "infer":
            with torch.inference_mode():
                network(x)
            return
        optimiser.zero_grad(set_to_none=True)
        F.cross_entropy(network(x), labels).backward()
        optimiser.step()

    best, end = 1e9, time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        step()
        best = min(best, time.perf_counter() - start)
    print(batch / best)


def measured(command, environment):
    return float(subprocess.run(command, env=os.environ | environment, check=True, capture_output=True, text=True).stdout)


def main():
    if sys.argv[1] == "--torch":
        return torch_speed(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5] == "1")
    program, models = sys.argv[1], sys.argv[2:] or ["vgg16", "resnet20", "lenet5"]
    print(f"{'network':14} {'task':6} {'batch':>5} {'PyTorch':>10} {'Ohmic':>10} {'ratio':>6}")
    for model in models:
        batch = 128 if model == "lenet5" else 64
        for task in ["train", "infer"]:
            torch_best = ohmic_best = 0
            for _ in range(ROUNDS):
                for layout in "01":
                    for environment in [KEEPING, HUGE]:
                        command = [sys.executable, __file__, "--torch", model, task, str(batch), layout]
                        torch_best = max(torch_best, measured(command, environment))
                command = [program, model, task, str(batch), str(THREADS), str(SECONDS)]
                ohmic_best = max(ohmic_best, measured(command, {}))
            print(f"{model:14} {task:6} {batch:5} {torch_best:10.0f} {ohmic_best:10.0f} {ohmic_best / torch_best:6.2f}",
                  flush=True)


main()
