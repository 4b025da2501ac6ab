"""Say inside the file that a machine made the picture: the IPTC term for it as XMP, and plain words as EXIF and text.

The term is `trainedAlgorithmicMedia` of the IPTC digital source type vocabulary, which search engines, picture
agencies and the large networks read. The file is built from bare pixels, so it carries the label and nothing else:
no camera, place, time, job or name.

Covers: an honest label that any metadata reader shows, and reading it back.
Does not cover: anybody who strips metadata, and services that do so on upload. That needs a mark in the pixels.
"""

from __future__ import annotations

import html
import io
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from PIL import Image, PngImagePlugin

from avatar.ports import Picture

SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
NOTICE = "AI-generated picture: drawn by a trained model, not taken by a camera."
XMP_KEY = "XML:com.adobe.xmp"  # the keyword under which PNG carries XMP; XMP specification part 3
EFFORT = 4  # of zlib's 9: the files are 1 to 4 % larger than at 9, and written five to ten times as fast
SMALL_QUALITY = 84  # of 100: 160 pixels a side are 6 to 12 kB, and no block is seen
EXIF_DESCRIPTION, EXIF_SOFTWARE = 0x010E, 0x0131


@dataclass(frozen=True, slots=True)
class Label:
    """What a file says of itself. `credit` names whose style it is, where a pack asks for that."""

    source: str = SOURCE
    notice: str = NOTICE
    tool: str = "avatar"
    credit: str = ""

    @property
    def generated(self) -> bool:
        """Whether the file owns up to being made by a trained model."""
        return self.source == SOURCE


def tool_name() -> str:
    """Name and version of this software, as the label tells it."""
    try:
        return f"avatar {version('avatar')}"
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "avatar"


def mark(picture: Picture, credit: str = "") -> bytes:
    """The picture as a labelled PNG; the same picture and credit give the same bytes."""
    label = Label(tool=tool_name(), credit=credit)
    info = PngImagePlugin.PngInfo()
    info.add_itxt(XMP_KEY, _packet(label))
    info.add_itxt("Description", label.notice)
    info.add_itxt("Software", label.tool)
    exif = Image.Exif()
    exif[EXIF_DESCRIPTION] = label.notice
    exif[EXIF_SOFTWARE] = label.tool
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(out, "PNG", pnginfo=info, exif=exif, compress_level=EFFORT)
    return out.getvalue()


def mark_small(picture: Picture, side: int) -> bytes:
    """The middle of the picture as a labelled JPEG of `side` pixels a side, to be looked at in passing."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    edge = min(image.size)
    x, y = (image.width - edge) // 2, (image.height - edge) // 2
    label = Label(tool=tool_name())
    exif = Image.Exif()
    exif[EXIF_DESCRIPTION] = label.notice
    exif[EXIF_SOFTWARE] = label.tool
    small = image.resize((side, side), Image.Resampling.LANCZOS, (x, y, x + edge, y + edge))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=SMALL_QUALITY, exif=exif, xmp=_packet(label).encode())
    return out.getvalue()


def read_label(data: bytes) -> Label | None:
    """The label of a picture file (PNG, JPEG or WebP), or None where it has none. ValueError if it is no picture.

    The packet is searched with patterns and not parsed: the bytes may come from anybody, and XML can be a bomb.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            packet = image.info.get("xmp") or image.info.get(XMP_KEY)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("these bytes are not a picture") from error
    if packet is None:
        return None
    text = packet.decode("utf-8", "replace") if isinstance(packet, bytes) else str(packet)
    source = _attribute(text, "Iptc4xmpExt:DigitalSourceType")
    if not source:
        return None
    notice = re.search(r'<rdf:li xml:lang="x-default">([^<]*)</rdf:li>', text)
    return Label(
        source=source,
        notice=html.unescape(notice[1]) if notice else "",
        tool=_attribute(text, "xmp:CreatorTool"),
        credit=_attribute(text, "photoshop:Credit"),
    )


def _attribute(text: str, name: str) -> str:
    found = re.search(rf'{re.escape(name)}="([^"]*)"', text)
    return html.unescape(found[1]) if found else ""


def _packet(label: Label) -> str:
    """One XMP packet, written by hand so that its bytes never change under us."""
    credit = f'\n    photoshop:Credit="{html.escape(label.credit)}"' if label.credit else ""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    Iptc4xmpExt:DigitalSourceType="{html.escape(label.source)}"
    xmp:CreatorTool="{html.escape(label.tool)}"{credit}>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{html.escape(label.notice)}</rdf:li></rdf:Alt></dc:description>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
