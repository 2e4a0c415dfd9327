"""Convolutions next to the image, where there are one to four channels: as matrix products.

A convolution's fast forms work on sixteen channels at once. Where an image has one, most of that is wasted, above all in the
gradients; to cut the image into patches and multiply these by one matrix is the same sum in a cheaper order. What comes out
lies channels last in memory, in which the convolutions behind it are fastest; of one channel, both orders look alike, and
the slower one would be taken. Names and shapes of the weights are those of torch's own layers; on a GPU theirs is the way.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

THIN = 4  # channels


class FromImage(nn.Conv2d):
    """A convolution of an image: [b, c, h, w] -> [b, outputs, h', w']. No dilation, no groups, padding with zeros."""

    padding: tuple[int, int]  # not by a word, which torch allows too

    def forward(self, x: Tensor) -> Tensor:
        """x: [b, c, h, w] float32."""
        if self.in_channels > THIN or x.device.type != "cpu":
            return super().forward(x)
        patches = F.unfold(x, self.kernel_size, padding=self.padding, stride=self.stride)  # [b, c * kh * kw, places]
        y = F.linear(patches.transpose(1, 2), self.weight.flatten(1), self.bias)
        height = (x.shape[2] + 2 * self.padding[0] - self.kernel_size[0]) // self.stride[0] + 1
        images: Tensor = y.unflatten(1, (height, -1)).permute(0, 3, 1, 2)
        return images


class ToImage(nn.ConvTranspose2d):
    """A transposed convolution that makes an image: [b, inputs, h, w] -> [b, c, h', w']. No dilation, no groups.

    Each pixel's square (the lecture's picture of it) is a row of a product; the squares are laid down and added up.
    """

    padding: tuple[int, int]

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """x: [b, inputs, h, w] float32. output_size: if it is given, torch's way is taken."""
        if self.out_channels > THIN or x.device.type != "cpu" or output_size is not None:
            return super().forward(x, output_size)
        height, width = (
            (x.shape[2 + i] - 1) * self.stride[i] - 2 * self.padding[i] + self.kernel_size[i] + self.output_padding[i]
            for i in (0, 1)
        )
        rows = x.permute(0, 2, 3, 1).flatten(1, 2) @ self.weight.flatten(1)  # [b, places, c * kh * kw]
        y = F.fold(rows.transpose(1, 2), (height, width), self.kernel_size, padding=self.padding, stride=self.stride)
        return y if self.bias is None else y + self.bias[:, None, None]
