#!/usr/bin/env python3
"""Trains a small transformer on the bytes of a text with PyTorch DDP, started by torchrun on any number of nodes.

Every process learns from other places of the text; DDP averages their gradients. GPUs are used where there are any (NCCL),
else the CPU (gloo). The first process reports: progress to PAKT_PROGRESS, checkpoints to PAKT_CHECKPOINTS, both of which
Pakt sets in a job. In a chain it saves and ends when PAKT_STOP appears, and the next link goes on at PAKT_RESUME
(docs/checkpoints.md); without one a second start goes on from the last checkpoint.
"""

import argparse
import datetime
import os
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

SYMBOLS = 256  # the text is read as bytes: no tokenizer to fetch


class Block(nn.Module):
    """One layer: attention to what came before, then a small network for each place."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before_attention = nn.LayerNorm(width)
        self.attention = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.network = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, inputs):
        batch, length, width = inputs.shape
        parts = self.attention(self.before_attention(inputs)).view(batch, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        inputs = inputs + self.joined(seen.transpose(1, 2).reshape(batch, length, width))
        return inputs + self.network(inputs)


class LanguageModel(nn.Module):
    """Bytes in, scores for the next byte out; shapes (batch, length) and (batch, length, SYMBOLS)."""

    def __init__(self, context, width, layers, heads):
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, width)
        self.places = nn.Parameter(torch.randn(context, width) * 0.02)
        self.layers = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.output = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, SYMBOLS))

    def forward(self, text):
        return self.output(self.layers(self.symbols(text) + self.places[: text.shape[1]]))


def read_text(paths):
    """The files' bytes behind each other, as one tensor."""
    content = bytearray()
    for path in paths:
        with open(path, "rb") as file:
            content += file.read()
    if len(content) < 2000:
        raise SystemExit(f"the text has only {len(content)} bytes: name a longer one with --text")
    return torch.frombuffer(content, dtype=torch.uint8).long()


def default_texts():
    """Where no text is named: those beside this file, else a licence of the repository it lies in."""
    here = os.path.dirname(os.path.abspath(__file__))
    beside = sorted(os.path.join(here, name) for name in os.listdir(here) if name.endswith(".txt"))
    return beside or [os.path.join(here, "..", "..", "..", "LICENSE-APACHE")]


def batch_of(text, options, step, rank):
    """This process's batch of this step: the same after a restart, another one in every process."""
    chance = torch.Generator().manual_seed(options.seed + step * 100_003 + rank)
    starts = torch.randint(len(text) - options.context - 1, (options.batch,), generator=chance)
    rows = torch.stack([text[start : start + options.context + 1] for start in starts.tolist()])
    return rows[:, :-1], rows[:, 1:]


def append_line(variable, line):
    """One line to the file that the variable names, if somebody wants it."""
    path = os.environ.get(variable)
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def save(path, model, optimizer, step):
    """To another name, synced, then renamed: a killed job leaves the old checkpoint or the new one."""
    with open(path + ".new", "wb") as file:
        torch.save({"step": step, "model": model.module.state_dict(), "optimizer": optimizer.state_dict()}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)
    append_line("PAKT_CHECKPOINTS", f"{step} {os.path.abspath(path)}")


def restore(path, model, optimizer, device):
    """The step of the checkpoint every process goes on from; 0 where there is none."""
    if not os.path.exists(path):
        return 0
    state = torch.load(path, map_location=device, weights_only=True)
    model.module.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"]


def is_told_to_stop(device):
    """Whether it is time to save and end: one process looks, and tells the others, so that all end behind the same step."""
    path = os.environ.get("PAKT_STOP")
    if not path:
        return False
    told = torch.tensor([int(dist.get_rank() == 0 and os.path.exists(path))], device=device)
    dist.broadcast(told, 0)
    return bool(told.item())


def train(options, device, rank, processes):
    text = read_text(options.text or default_texts())
    torch.manual_seed(options.seed)
    model = LanguageModel(options.context, options.width, options.layers, options.heads).to(device)
    model = DistributedDataParallel(model, device_ids=[device.index] if device.type == "cuda" else None)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.rate)
    done = restore(os.environ.get("PAKT_RESUME") or options.checkpoint, model, optimizer, device)
    # Nobody goes on before everybody has read the old checkpoint: the first step may already write a new one.
    dist.barrier()
    if rank == 0:
        parameters = sum(part.numel() for part in model.parameters())
        print(f"{processes} processes on {device.type}, {parameters} parameters, {len(text)} bytes, {done} steps done", flush=True)
    for step in range(done + 1, options.steps + 1):
        inputs, following = (part.to(device) for part in batch_of(text, options, step, rank))
        loss = F.cross_entropy(model(inputs).flatten(0, 1), following.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if step % options.every == 0 or step in (1, options.steps):
            mean = loss.detach().clone()
            dist.all_reduce(mean)
            if rank == 0:
                print(f"step {step} of {options.steps}  loss {mean.item() / processes:.6f}", flush=True)
                append_line("PAKT_PROGRESS", f"{step} {options.steps} loss={mean.item() / processes:.3f}")
        is_told = is_told_to_stop(device)
        if rank == 0 and (is_told or step % options.save_every == 0 or step == options.steps):
            save(options.checkpoint, model, optimizer, step)
        if is_told:
            if rank == 0:
                print(f"told to stop: saved behind step {step}", flush=True)
            break
        time.sleep(options.pause)
    dist.barrier()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", nargs="+", metavar="FILE", help="what to train on (default: texts beside this file)")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=8, help="pieces of text a process and step")
    parser.add_argument("--context", type=int, default=64, help="bytes a piece")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--every", type=int, default=5, help="steps between two lines of progress")
    parser.add_argument("--save-every", type=int, default=50, help="steps between two checkpoints")
    parser.add_argument("--pause", type=float, default=0, help="seconds to wait after a step, to see a short training go on in several links")
    parser.add_argument("--checkpoint", default="checkpoint.pt")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    has_gpu = torch.cuda.is_available()
    local_rank = int(os.environ["LOCAL_RANK"])
    device = torch.device("cuda", local_rank) if has_gpu else torch.device("cpu")
    if has_gpu:
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(1)  # the processes of a node share its cores
    dist.init_process_group("nccl" if has_gpu else "gloo", timeout=datetime.timedelta(minutes=5))
    try:
        train(options, device, dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
