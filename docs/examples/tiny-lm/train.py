#!/usr/bin/env python3
"""Trains a small character-level language model on text, with nothing but Python's standard library.

The model looks at the last few characters: each is turned into a short learned vector, one hidden layer mixes them, and
a softmax says which character comes next. The gradients are written out by hand and applied by Adam. One core and about
a minute are enough to see the loss fall from ln(characters) to far below what counting single letters would give.

Under Pakt it tells how far it is (PAKT_PROGRESS) and where its checkpoints lie (PAKT_CHECKPOINTS), and a second start
goes on from the last checkpoint. Without Pakt it does the same and tells nobody.
"""

import argparse
import json
import math
import os
import random
import sys
import time

CONTEXT = 4
VECTOR = 10
HIDDEN = 48
CHARACTERS = 48
PIECE = 100


def read_text(paths):
    """The files' text, lower case, blanks run together: fewer characters to learn, the same language."""
    parts = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            parts.append(" ".join(file.read().lower().split()))
    return " ".join(parts)


def default_texts():
    """Where no text is named: those beside this file, else the licences and pages of the repository it lies in."""
    here = os.path.dirname(os.path.abspath(__file__))
    beside = sorted(os.path.join(here, name) for name in os.listdir(here) if name.endswith(".txt"))
    if beside:
        return beside
    top = os.path.join(here, "..", "..", "..")
    names = ["LICENSE-APACHE", "README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/for-admins.md"]
    return [path for path in (os.path.join(top, name) for name in names) if os.path.exists(path)]


def alphabet_of(text):
    """The commonest characters, in order; all others become the first of them, the blank."""
    counts = {}
    for sign in text:
        counts[sign] = counts.get(sign, 0) + 1
    common = sorted(counts, key=lambda sign: (-counts[sign], sign))[:CHARACTERS]
    return "".join(common)


class Model:
    """Vectors for characters, one hidden layer, a softmax; every part a flat list of rows, with Adam's two averages."""

    def __init__(self, signs, seed):
        chance = random.Random(seed)
        inputs = CONTEXT * VECTOR

        def rows(count, width, spread):
            return [[chance.gauss(0, spread) for _ in range(width)] for _ in range(count)]

        self.parts = {
            "vectors": rows(signs, VECTOR, 0.5),
            "hidden": rows(HIDDEN, inputs + 1, 1 / math.sqrt(inputs)),
            "output": rows(signs, HIDDEN + 1, 1 / math.sqrt(HIDDEN)),
        }
        self.first = {name: zeros_like(rows) for name, rows in self.parts.items()}
        self.second = {name: zeros_like(rows) for name, rows in self.parts.items()}

    def forward(self, context):
        """The inputs, the hidden layer (each with a one behind it for the bias) and the probabilities."""
        vectors = self.parts["vectors"]
        inputs = [value for sign in context for value in vectors[sign]]
        inputs.append(1.0)
        hidden = [math.tanh(sum(map(multiply, row, inputs))) for row in self.parts["hidden"]]
        hidden.append(1.0)
        scores = [sum(map(multiply, row, hidden)) for row in self.parts["output"]]
        largest = max(scores)
        exponentials = [math.exp(score - largest) for score in scores]
        total = sum(exponentials)
        return inputs, hidden, [value / total for value in exponentials]

    def learn(self, batch, step, rate):
        """One step of Adam on a batch of (context, next); the mean loss in nats a character, before the step."""
        gradients = {name: zeros_like(rows) for name, rows in self.parts.items()}
        loss = sum(self.add_gradients(context, following, gradients) for context, following in batch)
        scale = 1 / len(batch)
        for name, rows in self.parts.items():
            for row, slope, first, second in zip(rows, gradients[name], self.first[name], self.second[name]):
                adam(row, slope, first, second, scale, step, rate)
        return loss * scale

    def add_gradients(self, context, following, gradients):
        inputs, hidden, chances = self.forward(context)
        loss = -math.log(max(chances[following], 1e-12))
        chances[following] -= 1.0  # the slope of the loss by the scores
        back = [0.0] * (HIDDEN + 1)
        for row, slopes, error in zip(self.parts["output"], gradients["output"], chances):
            for index, value in enumerate(hidden):
                slopes[index] += error * value
                back[index] += error * row[index]
        below = [0.0] * len(inputs)
        for row, slopes, value, error in zip(self.parts["hidden"], gradients["hidden"], hidden, back):
            error *= 1.0 - value * value
            for index, given in enumerate(inputs):
                slopes[index] += error * given
                below[index] += error * row[index]
        for place, sign in enumerate(context):
            slopes = gradients["vectors"][sign]
            for index in range(VECTOR):
                slopes[index] += below[place * VECTOR + index]
        return loss

    def loss(self, examples):
        return -sum(math.log(max(self.forward(context)[2][following], 1e-12)) for context, following in examples) / len(examples)


def multiply(one, other):
    return one * other


def zeros_like(rows):
    return [[0.0] * len(row) for row in rows]


def adam(row, slopes, first, second, scale, step, rate):
    """Adam (Kingma and Ba, 2015) with its usual constants, on one row."""
    pace = rate * math.sqrt(1 - 0.999**step) / (1 - 0.9**step)
    for index, slope in enumerate(slopes):
        slope *= scale
        first[index] += 0.1 * (slope - first[index])
        second[index] += 0.001 * (slope * slope - second[index])
        row[index] -= pace * first[index] / (math.sqrt(second[index]) + 1e-8)


def example_at(codes, place):
    return codes[place - CONTEXT : place], codes[place]


def sample(model, alphabet, length, seed):
    """A few words the model makes up, beginning with blanks."""
    chance = random.Random(seed)
    context = [alphabet.index(" ")] * CONTEXT
    signs = []
    for _ in range(length):
        code = chance.choices(range(len(alphabet)), weights=model.forward(context)[2])[0]
        signs.append(alphabet[code])
        context = context[1:] + [code]
    return "".join(signs)


def append_line(variable, line):
    """One line to the file that the variable names, if somebody wants it."""
    path = os.environ.get(variable)
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def save(path, model, alphabet, step):
    """To another name, synced, then renamed: a killed job leaves the old checkpoint or the new one, never half of one."""
    state = {"step": step, "alphabet": alphabet, "parts": model.parts, "first": model.first, "second": model.second}
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)
    append_line("PAKT_CHECKPOINTS", "{} {}".format(step, os.path.abspath(path)))


def restore(path, model, alphabet):
    """The step a checkpoint was made at; 0 where there is none. One of another text is refused, not trained on."""
    if not os.path.exists(path):
        return 0
    with open(path, encoding="utf-8") as file:
        state = json.load(file)
    if state["alphabet"] != alphabet:
        sys.exit("{} was trained on another text: remove it, or name another --checkpoint".format(path))
    model.parts, model.first, model.second = state["parts"], state["first"], state["second"]
    return state["step"]


def train(options):
    text = read_text(options.text or default_texts())
    alphabet = alphabet_of(text)
    known = {sign: code for code, sign in enumerate(alphabet)}
    codes = [known.get(sign, 0) for sign in text]
    if len(codes) < 2000:
        sys.exit("the text has only {} characters: name a longer one with --text".format(len(codes)))
    # Every tenth piece of text is never trained on: the loss there says whether it learned the language or the page.
    places = range(CONTEXT, len(codes))
    learned = [place for place in places if place // PIECE % 10 != 9]
    held_back = [example_at(codes, place) for place in places if place // PIECE % 10 == 9][::5][:400]

    model = Model(len(alphabet), options.seed)
    done = restore(options.checkpoint, model, alphabet)
    print("text: {} characters, {} different; {} steps, {} done".format(len(codes), len(alphabet), options.steps, done), flush=True)
    print("held-back loss before: {:.3f} nats a character".format(model.loss(held_back)), flush=True)
    start, losses = time.time(), []
    for step in range(done + 1, options.steps + 1):
        chance = random.Random(options.seed * 1000003 + step)  # the same batch at the same step, resumed or not
        batch = [example_at(codes, chance.choice(learned)) for _ in range(options.batch)]
        losses.append(model.learn(batch, step, options.rate * (1 - 0.9 * step / options.steps)))
        if step % options.every == 0 or step in (1, options.steps):
            loss = sum(losses) / len(losses)  # over the steps since the last line: one batch alone says little
            losses = []
            print("step {} of {}  loss {:.3f}  {:.1f} s".format(step, options.steps, loss, time.time() - start), flush=True)
            append_line("PAKT_PROGRESS", "{} {} loss={:.3f}".format(step, options.steps, loss))
        if step % options.save_every == 0 or step == options.steps:
            save(options.checkpoint, model, alphabet, step)
    print("held-back loss after: {:.3f} nats a character".format(model.loss(held_back)))
    print("it writes: " + sample(model, alphabet, 160, options.seed))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", nargs="+", metavar="FILE", help="what to train on (default: texts beside this file)")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=32, help="characters predicted in a step")
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--every", type=int, default=20, help="steps between two lines of progress")
    parser.add_argument("--save-every", type=int, default=100, help="steps between two checkpoints")
    parser.add_argument("--checkpoint", default="checkpoint.json")
    parser.add_argument("--seed", type=int, default=1)
    train(parser.parse_args())


if __name__ == "__main__":
    main()
