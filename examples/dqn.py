"""Deep Q-learning on a game of its own: catch a falling ball with a bat.

`python examples/dqn.py` plays some thousand games in about twenty seconds, and then catches nearly
every ball.  Mnih et al. 2015, Human-level control through deep reinforcement learning.
"""

import argparse
import copy
import random
from collections import deque

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F

ROWS, COLUMNS, MOVES = 8, 6, (-1, 0, 1)
DISCOUNT, BATCH, COPY_EVERY = 0.95, 64, 100


class Catch:
    """A ball falls from the top row; the reward is 1 if the bat in the last row is there, or -1."""

    def __init__(self) -> None:
        self.row, self.ball, self.bat = 0, random.randrange(COLUMNS), random.randrange(COLUMNS)

    def state(self) -> list[float]:
        """The row of the ball, and where ball and bat are, as zeros and ones."""
        places = [float(self.ball == i) for i in range(COLUMNS)]
        return [self.row / ROWS, *places, *(float(self.bat == i) for i in range(COLUMNS))]

    def move(self, action: int) -> tuple[float, bool]:
        """Make a move; gives the reward, and whether the game is over."""
        self.bat = min(max(self.bat + MOVES[action], 0), COLUMNS - 1)
        self.row += 1
        over = self.row == ROWS
        return (1.0 if self.ball == self.bat else -1.0) if over else 0.0, over


def choose(values: nn.Module, state: list[float], chance: float) -> int:
    """The move of the highest value, or with some chance any."""
    if random.random() < chance:
        return random.randrange(len(MOVES))
    with mg.no_grad():
        return int(values(mg.tensor([state])).argmax())


def loss_of(values: nn.Module, older: nn.Module, played: list[tuple]) -> mg.Tensor:
    """How far values are from the reward plus the value of the best next move."""
    states, actions, rewards, following, over = zip(*played, strict=True)
    with mg.no_grad():  # what is aimed at comes from older weights, and is not differentiated
        best = older(mg.tensor(following)).amax(dim=1) * (1 - mg.tensor(over, dtype=mg.float32))
    chosen = values(mg.tensor(states)).gather(1, mg.tensor(actions).unsqueeze(1)).squeeze(1)
    return F.smooth_l1_loss(chosen, mg.tensor(rewards) + DISCOUNT * best)


def caught(values: nn.Module, games: int = 200) -> float:
    """The share of balls that are caught without moves by chance."""
    total = 0
    for _ in range(games):
        game, over = Catch(), False
        while not over:
            reward, over = game.move(choose(values, game.state(), 0.0))
        total += reward > 0
    return total / games


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4000)
    steps = parser.parse_args().steps
    mg.manual_seed(0)
    random.seed(0)
    values = nn.Sequential(nn.Linear(1 + 2 * COLUMNS, 64), nn.ReLU(), nn.Linear(64, len(MOVES)))
    older = copy.deepcopy(values)
    optimizer = optim.Adam(values.parameters(), lr=1e-3)
    memory: deque[tuple] = deque(maxlen=5000)
    game = Catch()
    for step in range(1, steps + 1):
        state = game.state()
        action = choose(values, state, chance=max(0.05, 1 - 2 * step / steps))
        reward, over = game.move(action)
        memory.append((state, action, reward, game.state(), over))
        if over:
            game = Catch()
        if len(memory) >= BATCH:
            optimizer.zero_grad()
            loss_of(values, older, random.sample(memory, BATCH)).backward()
            optimizer.step()
        if step % COPY_EVERY == 0:
            older.load_state_dict(values.state_dict())
        if step % 1000 == 0 or step == steps:
            print(f"step {step}: {caught(values):.0%} of the balls caught")


if __name__ == "__main__":
    main()
