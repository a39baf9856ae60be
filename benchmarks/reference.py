"""A straightforward implementation of the same learner, to compare with: what one writes first.

Eager float32 in PyTorch's default layout (NCHW), observations and next observations stored as whole uint8 stacks, a
loop over the samples that crops and converts them, mini-batches pickled through a queue. The networks, losses and
schedules are those of `config/base.yaml` (Yuan, 2022). Every part is written independently of async_rl.
"""

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

GAMMA, CRITIC_TAU, ENCODER_TAU = 0.99, 0.01, 0.05
CHANNELS, STRIDES, HIDDEN = 32, (2, 2, 2, 1), 1024
LOG_STD_BOUNDS = (-10.0, 2.0)


@dataclass(frozen=True)
class ReferenceBatch:
    """Arrays ready for the networks: images (B, C, h, w) float32 with values 0 to 255."""

    images: NDArray[np.float32]
    next_images: NDArray[np.float32]
    state: NDArray[np.float32]
    next_state: NDArray[np.float32]
    action: NDArray[np.float32]
    reward: NDArray[np.float32]
    not_done: NDArray[np.float32]


class StackedReplay:
    """Every transition with both of its stacks of frames, (C, H, W) uint8."""

    def __init__(self, capacity: int, channels: int, height: int, width: int, state: int, action: int) -> None:
        self.images = np.empty((capacity, channels, height, width), np.uint8)
        self.next_images = np.empty_like(self.images)
        self.state = np.empty((capacity, state), np.float32)
        self.next_state = np.empty_like(self.state)
        self.action = np.empty((capacity, action), np.float32)
        self.reward = np.empty((capacity, 1), np.float32)
        self.not_done = np.empty((capacity, 1), np.float32)
        self.size = 0

    def fill(self, rng: np.random.Generator) -> None:
        """Fill it with noise."""
        self.size = len(self.images)
        for images in (self.images, self.next_images):
            pool = rng.integers(0, 256, (16, *images.shape[1:]), np.uint8)
            for i in range(self.size):
                images[i] = pool[i % len(pool)]
        for array in (self.state, self.next_state, self.action, self.reward):
            array[:] = rng.uniform(-1.0, 1.0, array.shape)
        self.not_done[:] = 1.0

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        arrays = (self.images, self.next_images, self.state, self.next_state, self.action)
        return sum(array.nbytes for array in (*arrays, self.reward, self.not_done))

    def sample(self, batch_size: int, height: int, width: int, rng: np.random.Generator) -> ReferenceBatch:
        """Draw transitions, crop their stacks at random to (height, width), convert them to float32."""
        index = rng.integers(0, self.size, batch_size)
        return ReferenceBatch(
            self._crop(self.images, index, height, width, rng),
            self._crop(self.next_images, index, height, width, rng),
            self.state[index],
            self.next_state[index],
            self.action[index],
            self.reward[index],
            self.not_done[index],
        )

    @staticmethod
    def _crop(
        images: NDArray[np.uint8], index: NDArray[np.int64], height: int, width: int, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        out = np.empty((len(index), images.shape[1], height, width), np.float32)
        for i, j in enumerate(index):
            y = rng.integers(0, images.shape[2] - height + 1)
            x = rng.integers(0, images.shape[3] - width + 1)
            out[i] = images[j, :, y : y + height, x : x + width]
        return out


class Encoder(nn.Module):
    """Four convolutions and a spatial softmax."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        super().__init__()
        sizes = [channels] + [CHANNELS] * len(STRIDES)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride) for a, b, stride in zip(sizes[:-1], sizes[1:], STRIDES, strict=True)
        )
        for stride in STRIDES:
            height, width = (height - 3) // stride + 1, (width - 3) // stride + 1
        self.x = nn.Buffer(torch.linspace(-1.0, 1.0, width).repeat(height))
        self.y = nn.Buffer(torch.linspace(-1.0, 1.0, height).repeat_interleave(width))

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, h, w) to (B, 64)."""
        maps = images / 255.0
        for i, convolution in enumerate(self.convolutions):
            maps = convolution(maps)
            if i < len(self.convolutions) - 1:
                maps = F.relu(maps)
        attention = F.softmax(maps.flatten(2), dim=2)
        return torch.cat(((attention * self.x).sum(dim=2), (attention * self.y).sum(dim=2)), dim=1)


def mlp(inputs: int, outputs: int) -> nn.Sequential:
    """Two hidden layers."""
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs)
    )


class Actor(nn.Module):
    """Features to an action and its log density."""

    def __init__(self, inputs: int, action: int) -> None:
        super().__init__()
        self.trunk = mlp(inputs, 2 * action)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """(B, f) to (B, a) and (B, 1)."""
        mu, log_std = self.trunk(features).chunk(2, dim=1)
        low, high = LOG_STD_BOUNDS
        log_std = low + 0.5 * (high - low) * (torch.tanh(log_std) + 1.0)
        noise = torch.randn_like(mu)
        pi = torch.tanh(mu + log_std.exp() * noise)
        log_pi = (-0.5 * noise.square() - log_std - 0.5 * math.log(2.0 * math.pi)).sum(dim=1, keepdim=True)
        return pi, log_pi - torch.log(1.0 - pi.square() + 1e-6).sum(dim=1, keepdim=True)


class Critic(nn.Module):
    """Twin Q on features and action."""

    def __init__(self, inputs: int, action: int) -> None:
        super().__init__()
        self.Q1, self.Q2 = mlp(inputs + action, 1), mlp(inputs + action, 1)

    def forward(self, features: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """(B, f) and (B, a) to (B, 1) each."""
        x = torch.cat((features, action), dim=1)
        return self.Q1(x), self.Q2(x)


class ReferenceSAC:
    """Soft actor-critic with a shared encoder that the critic's loss trains."""

    def __init__(self, channels: int, height: int, width: int, state: int, action: int, device: str = "cpu") -> None:
        torch.manual_seed(0)
        self.device = device
        self.encoder = Encoder(channels, height, width).to(device)
        features = 2 * CHANNELS + state
        self.actor, self.critic = Actor(features, action).to(device), Critic(features, action).to(device)
        self.target_encoder, self.target_critic = copy.deepcopy(self.encoder), copy.deepcopy(self.critic)
        self.log_alpha = torch.tensor(math.log(0.1), device=device, requires_grad=True)
        self.target_entropy = -float(action)
        self.encoder_optimiser = torch.optim.Adam(self.encoder.parameters(), lr=1e-3)
        self.critic_optimiser = torch.optim.Adam(self.critic.parameters(), lr=3e-4)
        self.actor_optimiser = torch.optim.Adam(self.actor.parameters(), lr=3e-4)
        self.alpha_optimiser = torch.optim.Adam([self.log_alpha], lr=1e-4, betas=(0.5, 0.999))
        self.updates = 0

    def update(self, batch: ReferenceBatch) -> None:
        """One update of the critic, every second time of actor, temperature and targets too."""
        images, next_images, state, next_state, action, reward, not_done = (
            torch.from_numpy(getattr(batch, name)).to(self.device) for name in ReferenceBatch.__dataclass_fields__
        )
        with torch.no_grad():
            pi, log_pi = self.actor(torch.cat((self.encoder(next_images), next_state), dim=1))
            target_features = torch.cat((self.target_encoder(next_images), next_state), dim=1)
            V = torch.minimum(*self.target_critic(target_features, pi)) - self.log_alpha.exp() * log_pi
            target_Q = reward + not_done * GAMMA * V
        Q1, Q2 = self.critic(torch.cat((self.encoder(images), state), dim=1), action)
        critic_loss = F.mse_loss(Q1, target_Q) + F.mse_loss(Q2, target_Q)
        _step(critic_loss, self.critic_optimiser, self.encoder_optimiser)
        if self.updates % 2 == 0:
            self._update_actor(images, state)
            _follow(self.target_critic, self.critic, CRITIC_TAU)
            _follow(self.target_encoder, self.encoder, ENCODER_TAU)
        self.updates += 1

    def _update_actor(self, images: Tensor, state: Tensor) -> None:
        features = torch.cat((self.encoder(images).detach(), state), dim=1)
        pi, log_pi = self.actor(features)
        Q = torch.minimum(*self.critic(features, pi))
        _step((self.log_alpha.exp().detach() * log_pi - Q).mean(), self.actor_optimiser)
        _step((self.log_alpha.exp() * (-log_pi.detach() - self.target_entropy)).mean(), self.alpha_optimiser)

    @torch.no_grad()
    def act(self, images: NDArray[np.uint8], state: NDArray[np.float32]) -> NDArray[np.float32]:
        """An action (a,) for one stack (C, h, w)."""
        features = self.encoder(torch.from_numpy(images).float().unsqueeze(0))
        pi, _ = self.actor(torch.cat((features, torch.from_numpy(state).unsqueeze(0)), dim=1))
        action: NDArray[np.float32] = pi[0].numpy()
        return action


def _step(loss: Tensor, *optimisers: torch.optim.Optimizer) -> None:
    for optimiser in optimisers:
        optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    for optimiser in optimisers:
        optimiser.step()


@torch.no_grad()
def _follow(target: nn.Module, online: nn.Module, tau: float) -> None:
    for old, new in zip(target.parameters(), online.parameters(), strict=True):
        old.mul_(1.0 - tau).add_(new, alpha=tau)
