"""A small GPT that learns to write like Python's documentation, character by character.

`python examples/gpt.py` takes about half a minute.  The text is the one that Python's `help()`
shows, which comes with every Python.  Vaswani et al. 2017, arXiv:1706.03762.
"""

import argparse
from pydoc_data.topics import topics

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F

CONTEXT, WIDTH, HEADS, LAYERS, BATCH = 64, 96, 4, 2, 16


class Block(nn.Module):
    """Attention to earlier characters, then a network for each position; both are added."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.to_heads = nn.Linear(WIDTH, 3 * WIDTH)
        self.from_heads = nn.Linear(WIDTH, WIDTH)
        self.network = nn.Sequential(
            nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH)
        )

    def forward(self, x: mg.Tensor) -> mg.Tensor:
        n, length, _ = x.shape
        parts = self.to_heads(self.norm1(x)).view(n, length, 3, HEADS, WIDTH // HEADS)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.from_heads(seen.transpose(1, 2).reshape(n, length, WIDTH))
        return x + self.network(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, characters: int) -> None:
        super().__init__()
        self.character = nn.Embedding(characters, WIDTH)
        self.position = nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)), nn.LayerNorm(WIDTH))
        self.scores = nn.Linear(WIDTH, characters)

    def forward(self, tokens: mg.Tensor) -> mg.Tensor:
        x = self.character(tokens) + self.position(mg.arange(tokens.shape[1]))
        return self.scores(self.blocks(x))


def continuation(model: GPT, tokens: mg.Tensor, length: int) -> mg.Tensor:
    """The tokens (1, T), and `length` more, each drawn from the model's probabilities."""
    with mg.no_grad():
        for _ in range(length):
            scores = model(tokens[:, -CONTEXT:])[:, -1] / 0.7
            drawn = mg.multinomial(scores.softmax(dim=1), 1)
            tokens = mg.cat([tokens, drawn], dim=1)
    return tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--length", type=int, default=300, help="characters to write")
    options = parser.parse_args()
    mg.manual_seed(0)
    text = "\n".join(topics.values())
    characters = sorted(set(text))
    number = {character: i for i, character in enumerate(characters)}
    data = mg.tensor([number[character] for character in text])
    model = GPT(len(characters))
    optimizer = optim.AdamW(model.parameters(), lr=3e-3)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=options.steps)
    for step in range(1, options.steps + 1):
        starts = mg.randint(0, len(data) - CONTEXT, (BATCH, 1))
        window = data[starts + mg.arange(CONTEXT + 1)]
        optimizer.zero_grad()
        scores = model(window[:, :-1])
        loss = F.cross_entropy(scores.flatten(0, 1), window[:, 1:].flatten())
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0 or step == options.steps:
            print(f"step {step}: loss {loss.item():.3f}")
    start = mg.tensor([[number[character] for character in "The function "]])
    written = continuation(model, start, options.length)[0].tolist()
    print("".join(characters[i] for i in written))


if __name__ == "__main__":
    main()
