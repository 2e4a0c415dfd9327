"""Reading one picture, whatever its format, mode and faults, as bytes of known shape."""

from __future__ import annotations

import logging
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from duelo.data.framing import GAP, Framing, framed
from duelo.words import say

Opener = Callable[[], Image.Image]
MOST_BYTES = 256 * 2**20  # of one encoded picture
MOST_PIXELS = 80_000_000  # below Pillow's own alarm; a larger picture is a mistake or an attack
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")  # Pillow knows others, some of which start other programs
ROWS = 256  # of a picture of large numbers that are converted at a time
SIXTEEN = ("I;16", "I;16B", "I;16L", "I;16N")
logging.getLogger("PIL").addHandler(logging.NullHandler())  # what decoders log of damaged files is reported otherwise
UNPRINTABLE = ("Cc", "Cs", "Zl", "Zp")
ROTATION = 0x0112  # EXIF's tag for how the camera was held
UPRIGHT = {  # its values, and what sets them right; from 5 on, width and height change places
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Unreadable(Exception):
    """A picture that cannot be read; its text says why, in a few words. It is kept as (key, values), for any language."""

    def __init__(self, key: str, /, **values: object) -> None:
        self.key, self.values = key, values
        super().__init__(say(key, None, **values))


@dataclass(frozen=True)
class Header:
    """What a picture says of itself before it is decoded; the size is that after rotation."""

    format: str
    mode: str
    width: int
    height: int
    transparent: bool
    animated: bool


@dataclass(frozen=True)
class Frame:
    """A decoded member: `pixels` [c, h, w] uint8; whether it had `colour` (channels that differ anywhere)."""

    pixels: NDArray[np.uint8]
    colour: bool


def picture(file: Path | IO[bytes]) -> Image.Image:
    """The picture in a file, not yet decoded, if it is in one of FORMATS. Raises Unreadable if the file is too large."""
    if isinstance(file, Path) and (size := file.stat().st_size) > MOST_BYTES:
        raise Unreadable("bad.too_large", mib=size >> 20)
    return Image.open(file, formats=FORMATS)


@contextmanager
def opened(opener: Opener) -> Iterator[Image.Image]:
    """The picture, not yet decoded. Raises Unreadable for whatever goes wrong inside: decoders fail in many ways."""
    try:
        with opener() as image:
            if image.width * image.height > MOST_PIXELS:
                raise Unreadable("bad.huge", width=image.width, height=image.height)
            yield image
    except Unreadable:
        raise
    except Image.DecompressionBombError as error:
        raise Unreadable("bad.bomb") from error
    except UnidentifiedImageError as error:
        raise Unreadable("bad.unknown") from error
    except MemoryError as error:
        raise Unreadable("bad.memory") from error
    except OSError as error:
        if error.errno is None or not error.strerror:  # the decoder's own complaint
            raise Unreadable("bad.damaged", why=short(error)) from error
        raise Unreadable("bad.refused", why=error.strerror) from error
    except Exception as error:
        raise Unreadable("bad.damaged", why=short(error)) from error


def plain(text: str) -> str:
    """`text` on one line, printable anywhere: line breaks, commands to the terminal and broken bytes are escaped."""
    if text.isprintable():
        return text
    return "".join(c.encode("unicode_escape").decode() if unicodedata.category(c) in UNPRINTABLE else c for c in text)


def short(error: Exception) -> str:
    """What an error says, on one short line."""
    return plain(" ".join((str(error) or type(error).__name__).split()))[:80]


@contextmanager
def without_warnings() -> Iterator[None]:
    """Inside, decoders' warnings (odd EXIF, large pictures) are not shown: what matters of them is reported otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_header(opener: Opener) -> Header:
    """Look at a picture without decoding it. Raises Unreadable."""
    with opened(opener) as image:
        width, height = image.size
        if rotation(image) >= 5:
            width, height = height, width
        transparent = image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info
        animated = bool(getattr(image, "is_animated", False))  # an attribute of those formats alone that can be
        return Header(image.format or "array", image.mode, width, height, transparent, animated)


def read_frame(opener: Opener, framing: Framing, channels: int | None) -> Frame:
    """Decode a picture and frame it at framing.size; `channels` as in `as_channels`, None for as many as it has.

    Raises Unreadable.
    """
    assert framing.size is not None
    with opened(opener) as image:
        h, w = framing.size
        if image.format == "JPEG":  # decode at a fraction of the size: several times as fast
            sides = (h, w) if rotation(image) >= 5 else (w, h)
            image.draft(None, (int(GAP * sides[0]), int(GAP * sides[1])))
        image.load()
        turn = UPRIGHT.get(rotation(image))
        upright = image if turn is None else image.transpose(turn)
        result = framed(without_alpha(eight_bits(upright), framing), (h, w), framing.fit)
        pixels = np.asarray(result).reshape(h, w, -1)
        colours = pixels[..., :3] if pixels.shape[2] >= 3 else pixels[..., :1]
        colour = bool((colours != colours[..., :1]).any())
        return Frame(as_channels(pixels, channels), colour)


def rotation(image: Image.Image) -> int:
    """EXIF's word for how the camera was held, 1 to 8; 1 (upright) where it says nothing or nonsense."""
    if image.format == "TIFF":  # Pillow sets these right by itself
        return 1
    try:
        value = int(Image.Image.getexif(image).get(ROTATION, 1))  # a PNG's own method would decode the picture
    except Exception:  # a spoiled EXIF block spoils no pixel
        return 1
    return value if value in UPRIGHT else 1


def eight_bits(image: Image.Image) -> Image.Image:
    """The same picture in mode L, LA, RGB or RGBA. Raises Unreadable where its numbers have no plain meaning."""
    if image.mode in (*SIXTEEN, "I", "F"):
        ends = np.array([(strip.min(), strip.max()) for strip in strips(image)])
        low, high = ends.min(), ends.max()
        if not (low >= 0 and high <= (255 if image.mode == "F" else 65535)):  # so that "not a number" is refused too
            raise Unreadable("bad.range", low=f"{low:g}", high=f"{high:g}")
        scale = {"I": 1.0 if high <= 255 else 1 / 257, "F": 255.0 if high <= 1 else 1.0}.get(image.mode, 1 / 257)
        result = Image.new("L", image.size)
        for i, strip in enumerate(strips(image)):
            result.paste(Image.fromarray((strip * scale).round().astype(np.uint8)), (0, i * ROWS))
        return result
    transparent = "transparency" in image.info
    if image.mode in ("L", "LA", "RGB", "RGBA") and not transparent:
        return image
    if image.mode in ("L", "1"):
        return image.convert("LA" if transparent else "L")
    if image.mode in ("LA", "La"):
        return image.convert("LA")
    if image.mode in ("RGBA", "RGBa", "PA") or transparent:
        return image.convert("RGBA")
    return image.convert("RGB")


def strips(image: Image.Image) -> Iterator[NDArray[Any]]:
    """The values of a picture, some rows at a time: as floats, all of them would take many times the picture's memory."""
    for top in range(0, image.height, ROWS):
        yield np.asarray(image.crop((0, top, image.width, min(top + ROWS, image.height))))


def without_alpha(image: Image.Image, framing: Framing) -> Image.Image:
    """The picture over the background's colour, unless transparency is to be kept."""
    if image.mode not in ("LA", "RGBA") or framing.alpha == "keep":
        return image
    colour = framing.background()
    if image.mode == "LA" and len(set(colour)) == 1:
        sheet = Image.new("L", image.size, colour[0])
    else:
        sheet = Image.new("RGB", image.size, colour)
    sheet.paste(image, mask=image)
    return sheet


def as_channels(pixels: NDArray[np.uint8], channels: int | None) -> NDArray[np.uint8]:
    """Pixels [h, w, c] -> [channels, h, w]: 1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha.

    Of a colour image that must be grey the first channel is taken: the caller knows that they are equal.
    """
    c = pixels.shape[2]
    channels = channels or c
    base = pixels[..., : c - 1] if c in (2, 4) else pixels
    parts = [np.repeat(base, 3, 2) if base.shape[2] == 1 else base] if channels >= 3 else [base[..., :1]]
    if channels in (2, 4):
        parts.append(pixels[..., -1:] if c in (2, 4) else np.full_like(pixels[..., :1], 255))
    return np.ascontiguousarray(np.concatenate(parts, 2).transpose(2, 0, 1))
