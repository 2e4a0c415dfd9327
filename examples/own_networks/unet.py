"""A generator that turns a small image of noise into an image, down and up again with shortcuts (a U-Net: Ronneberger et al.
2015), and the way down alone as the discriminator: networks of one's own, torch only.

    duelo train digits --networks.generator examples/own_networks/unet.py:generator \
                       --networks.discriminator examples/own_networks/unet.py:discriminator

duelo calls each function with what it names of: shape (channels, height, width), width, latent, classes. Black and white
have the values that they have for the recipe's own pair: -1 and 1, but 0 and 1 with the pair `lecture`.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NOISE = 4  # height and width of the image of noise
STAGES = 3  # halvings


def generator(shape: tuple[int, int, int], width: int, latent: int) -> nn.Module:
    """Normal numbers [b, latent] -> images [b, *shape] in [-1, 1]."""
    return UNet(shape, width, latent)


def discriminator(shape: tuple[int, int, int], width: int) -> nn.Module:
    """Images [b, *shape] -> logits [b, 1], positive for "real"."""
    widths = [shape[0], *(width * 2**i for i in range(STAGES))]
    down = [down_layer(widths[i], widths[i + 1], normalized=i > 0) for i in range(STAGES)]
    return nn.Sequential(*down, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * widths[-1], 1))


class UNet(nn.Module):
    """Noise as planes of the image's size, made smaller step by step and larger again, beside what it was at each size."""

    def __init__(self, shape: tuple[int, int, int], width: int, latent: int) -> None:
        super().__init__()
        channels, *self.size = shape
        self.planes = -(-latent // NOISE**2)
        widths = [width * 2**i for i in range(STAGES + 1)]
        self.first = nn.Conv2d(self.planes, width, 3, padding=1)
        self.down = nn.ModuleList(down_layer(widths[i], widths[i + 1]) for i in range(STAGES))
        self.up = nn.ModuleList(up_layer(widths[i + 1] + widths[i], widths[i]) for i in reversed(range(STAGES)))
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, latents: Tensor) -> Tensor:
        """latents: [b, latent] -> images [b, c, h, w] in [-1, 1]."""
        filled = F.pad(latents, (0, self.planes * NOISE**2 - latents.shape[1]))
        noise = filled.reshape(-1, self.planes, NOISE, NOISE)
        x = self.first(F.interpolate(noise, size=self.size, mode="bilinear"))
        left = []  # what there was at each size, on the way down
        for layer in self.down:
            left.append(x)
            x = layer(x)
        for layer in self.up:
            beside = left.pop()
            x = layer(torch.cat([F.interpolate(x, size=beside.shape[2:]), beside], 1))
        return torch.tanh(self.last(x))


def down_layer(inputs: int, outputs: int, normalized: bool = True) -> nn.Module:
    """Half the height and width, rounding up."""
    norm = nn.BatchNorm2d(outputs) if normalized else nn.Identity()
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), norm, nn.LeakyReLU(0.2))


def up_layer(inputs: int, outputs: int) -> nn.Module:
    """The same height and width."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())
