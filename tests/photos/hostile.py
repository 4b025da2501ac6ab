"""Hostile, wrong and merely odd files, all made here; other tests may reuse them: `from photos.hostile import hostile`.

Every file that carries metadata carries the word TRACE in it, so that a leak is found by searching for the word.
"""

from __future__ import annotations

import base64
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

TRACE = b"TRACE"

# A 240 x 320 colour ramp with EXIF, place and XMP, and a flat 81-megapixel picture: both drawn for this test.
# zlib and base85, because no HEIC encoder is among the dependencies.
_HEIC = (
    "c-"
    "muNV30{GsVvAy%}izhg51nBLl8SRGck>Uf$?E(YDppk1Sn>t<P<^K3<a6VB@Af5Ei)${Y>0~k12Y37h{ePTp@BxVGBAN?<}R2BLlICFNaPP(L="
    "=dVGBfkiz&wzwD3Fs1)(BLSQI>4TfF#HWGSamo6RcbdF31e>Ms6xYVnIPpW^!UlW`3T2QA(P2MQ#q*T)u+Ll3WI;nGDx53yKPW^!Chx<a{7q0k"
    "p-Lkr^a30j$X81H+%cKYlPU@G~a>bx1fc@-"
    "Y7Y4^qGkQo#&DHoKS{5`mK1PK=CbG7IDsM8u+3sw~^NgCoO00Vu`{A{Z2tfa=*@7!MY0NOAyLBb=O{Q<RsSQvnp_WngOn3W;PE7o<Xi<^#~RAY"
    "}ptnH8Df(Ba_V08-+a1-Y;oVq{=sX=Gw%0Wvi*i&E2|!hFdo#mT^+Vg&ma!efT;m_%|@5`huP*r>s{p4+SHLyl|1uVXK7UQs<`>wjj}+luHY-O"
    "m~Qij53gzdK#NpW<}%%Zl8!t&<|EvKj<WMgOc1wSRbArSg0E*PS=?%)9y@Y$|eOPn0;?clOj`-"
    "vvo~c&D6v+OjXNm3f=al*`eF^h@s>yfkX<E4d!BXTcwV4NFsc9px4n^Qs<r<HI`T#`}!oO*3DvV6U2f?9tkf2Ty8BU--1IF7$Cmm^l-"
    "dVeNrSuM}5GUV3Zwx9e@Eh^(FJ^H*ttFO~{#)r(H!+^y<n!d*P`e8P*20~t3vrI)0}NidtqO?uIvy#LIFjEyb7ggu@;h%mhH^57lwcM;rQGWVQ"
    "Sb2*pcaDea0ud7EFFVk)0<XRi%f0|z|<dAIKl)m4aZ)?;q``RY&{qE?cgGbJOaSu>YVwiq7Is10_ow;p#`6t+B&j0^4Dw(fqs$1(Wc8MkCZ~uI"
    "DG`!d5*`(I!`g9HN`Cvo7$r)i^EBq&ywQ&7^zRmUIgb%$I9|b>&8tge<Rr>Yp1Ob8c6FVLKdw*4d;+qYUmVJF0w17Mg1|~*+aHin~Vzmxc1{P?"
    "NH3G$INRXqmtFDKur!y#@LGl6vlOH(OF|b0jPXIh+Krj=O2FWqnRM;U5(T(s8u+guu0{|ViE7S"
)

_HEIC_BOMB = (
    "c-"
    "rmQKWGzC90%~<%cbdATCLVU9SZhRkx&#YbZ`+)ts(^%=}<u>murqZ$R$S%r70aE2#(f2i%w|~bhE3OBIqK5*vX+oU8JChZV{^Sy}PtS!TEm3_v"
    "M$of4@sU_v1K{5YdQNtp$a=bV)T|dJ}r=OUEM;vwptnP}Ho#T(Qy}Qy|?c?P+OQEQfD0Ws^`3)x=WN6HQ-IFJn@cyl|>lkElsL(VZ3M-"
    "3dM1AIPe|oAOBpl|c2cWZ;%nzo^nK3PUd~he_){X#01&O?1G>sw0MN(Jwk3onYt;L&thEVLNK`^aUaI>@?`|H8S5_FFkws^vkBzXw`}O>w4>MP"
    "94!ZC0<w7a<=-QA-7ztl-"
    "%NiS{|U3%Av#Zc94(GZY&c$X)urrQm+`MX{zp+4E&t}s+uJ4B#fjg##MjLQT3ZXpAj#Ug9lenrdQL}=am)5vBEaG8Drb7o&DPRwS50W>&Ez-"
    "^0%QUA2<4(oY$>cY|%6GeCvBE`}SPi5Q9wf(ZFOYeg~b%-"
    "eaIp(XR7w+_G6X`nFgwu5h?U4RMo$!YDCN^e!<#96G}QaeR#dV!VM{Rum67+`pR)5W-"
    "?$s4+17jNgzr%D~WMVE7ZiAvwap@Hl=$&kPJYQl~il42$2u;Tv6QgFzkI3=HoXT$8i$8}^wngoX?Q!!QgmzyQNP{waI`0}L?000Rs#zyJdbFu("
    "u<3^2d|0}L?000Rs#zyJdbFu(u<3^2d|0}L?000Rs#zyJdbFu(u<3^2d|!~YwTqkjR~JZ@e"
)


def ramp(width: int = 320, height: int = 240) -> Image.Image:
    """A colour ramp with a bright upper left corner, so that turning it is seen."""
    ys, xs = np.mgrid[0:height, 0:width]
    red, green = xs * 200 // width, ys * 200 // height
    picture = np.stack([red, green, np.full_like(red, 60)], -1).astype(np.uint8)
    picture[: height // 8, : width // 8] = 255
    return Image.fromarray(picture)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """The file as Pillow writes it."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def heic() -> bytes:
    """A sound HEIC file."""
    return zlib.decompress(base64.b85decode("".join(_HEIC)))


def phone_exif(orientation: int = 1) -> bytes:
    """EXIF as phones write it: make, time, place."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x0132] = "TRACE make", orientation, "2031:05:04 09:30:00"
    exif.get_ifd(0x8769).update({0x9003: "2031:05:04 09:30:00", 0x9286: b"UNICODE\0TRACE comment"})
    exif.get_ifd(0x8825).update({1: "N", 2: (0.0, 2.0, 3.0), 3: "E", 4: (0.0, 3.0, 4.0), 29: "TRACE day"})
    return exif.tobytes()


def chunk(name: bytes, data: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, data: bytes, *, bits: int = 1, kind: int = 0) -> bytes:
    """A PNG file with that header and that pixel data, sound or not."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def jpeg_claiming(width: int, height: int) -> bytes:
    """A small JPEG whose frame header claims another size."""
    data = bytearray(encoded(ramp(), "JPEG"))
    place = data.index(b"\xff\xc0") + 5
    data[place : place + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_claiming(width: int, height: int) -> bytes:
    """A small WebP in an extended header that claims another canvas."""
    inner = encoded(ramp(), "WEBP")[12:]
    claim = struct.pack("<I", 0) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<I", len(claim)) + claim + inner
    return b"RIFF" + struct.pack("<I", len(body)) + body


def moving(form: str) -> bytes:
    """Three frames."""
    frames = [ramp().rotate(angle) for angle in (0, 90, 180)]
    return encoded(frames[0], form, save_all=True, append_images=frames[1:], duration=100)


def with_palette() -> bytes:
    """A palette picture with a transparent colour."""
    image = ramp().quantize(32)
    return encoded(image, "PNG", transparency=0)


def with_text() -> bytes:
    """A PNG with a text chunk and an XMP packet."""
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "TRACE text")
    info.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta>TRACE xmp</x:xmpmeta>")
    return encoded(ramp(), "PNG", pnginfo=info, exif=phone_exif())


def sound() -> dict[str, bytes]:
    """Odd files that are nevertheless photos, and must open."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    clear = ramp().convert("RGBA")
    clear.putalpha(128)
    wide = (np.arange(240 * 320).reshape(240, 320) % 65536).astype(np.uint16)
    page = b"<html><script>alert('TRACE')</script></html>"
    archive = b"PK\x03\x04TRACE" + bytes(40)
    return {
        "plain.jpg": encoded(ramp(), "JPEG", quality=95),
        "plain.png": encoded(ramp(), "PNG"),
        "plain.webp": encoded(ramp(), "WEBP", quality=95),
        "plain.heic": heic(),
        "progressive.jpg": encoded(ramp(), "JPEG", progressive=True),
        "cmyk.jpg": encoded(ramp().convert("CMYK"), "JPEG", quality=95),
        "grey.jpg": encoded(ramp().convert("L"), "JPEG"),
        "exif-place.jpg": encoded(ramp(), "JPEG", exif=phone_exif()),
        "exif-place.webp": encoded(ramp(), "WEBP", exif=phone_exif(), xmp=b"<x>TRACE</x>"),
        "turned.jpg": encoded(ramp(), "JPEG", exif=phone_exif(6)),
        "turned.png": encoded(ramp(), "PNG", exif=phone_exif(6)),
        "comment.jpg": encoded(ramp(), "JPEG", comment=b"TRACE comment"),
        "xmp.jpg": encoded(ramp(), "JPEG", xmp=b"<x:xmpmeta>TRACE</x:xmpmeta>"),
        "text.png": with_text(),
        "profile.jpg": encoded(ramp(), "JPEG", icc_profile=profile),
        "profile-garbage.jpg": encoded(ramp(), "JPEG", icc_profile=b"TRACE" * 200),
        "profile-garbage.png": encoded(ramp(), "PNG", icc_profile=b"TRACE" * 200),
        "sixteen-bit.png": encoded(Image.fromarray(wide), "PNG"),
        "palette-clear.png": with_palette(),
        "half-clear.png": encoded(clear, "PNG"),
        "grey-clear.png": encoded(ramp().convert("LA"), "PNG"),
        "one-bit.png": encoded(ramp().convert("1"), "PNG"),
        "polyglot-page.jpg": encoded(ramp(), "JPEG", comment=page) + page,
        "polyglot-archive.jpg": encoded(ramp(), "JPEG") + archive,
    }


def refused() -> dict[str, tuple[bytes, frozenset[str]]]:
    """Files that must not open, each with the codes that are a right answer."""
    jpeg, png, webp = (encoded(ramp(), form) for form in ("JPEG", "PNG", "WEBP"))
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
    bomb_rows = zlib.compress(bytes((20_000 // 8 + 1) * 20_000), 1)
    files: dict[str, tuple[bytes, str]] = {
        "nothing.jpg": (b"", "empty_file"),
        "text.jpg": (b"these are only words", "not_a_picture"),
        "zeros.jpg": (bytes(4096), "not_a_picture"),
        "page.jpg": (b"<!doctype html><p>hello", "not_a_picture"),
        "drawing.svg": (svg, "wrong_format"),
        "drawing.svg.png": (b"\n  <?xml version='1.0'?>" + svg, "wrong_format"),
        "moving.gif": (moving("GIF"), "wrong_format"),
        "still.gif": (encoded(ramp().quantize(8), "GIF"), "wrong_format"),
        "picture.tiff": (encoded(ramp(), "TIFF"), "wrong_format"),
        "picture.bmp": (encoded(ramp(), "BMP"), "wrong_format"),
        "picture.avif": (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1miaf" + bytes(64), "wrong_format"),
        "paper.pdf": (b"%PDF-1.7\n" + bytes(64), "wrong_format"),
        "film.mp4": (b"\0\0\0\x20ftypisom" + bytes(64), "wrong_format"),
        "archive.zip": (b"PK\3\4" + bytes(64), "wrong_format"),
        "moving.webp": (moving("WEBP"), "animated"),
        "moving.png": (moving("PNG"), "animated"),
        "bomb-400-megapixels.png": (png_of(20_000, 20_000, bomb_rows), "too_many_pixels"),
        "bomb-81-megapixels.heic": (zlib.decompress(base64.b85decode("".join(_HEIC_BOMB))), "too_many_pixels"),
        "claims-65535.png": (png_of(65_535, 65_535, b""), "too_many_pixels"),
        "claims-65535-flat.png": (png_of(65_535, 200, b""), "too_many_pixels"),
        "claims-65535.jpg": (jpeg_claiming(65_535, 65_535), "too_many_pixels"),
        "claims-16384.webp": (webp_claiming(16_384, 16_384), "too_many_pixels damaged"),
        "claims-65535.webp": (webp_claiming(65_535, 65_535), "too_many_pixels damaged"),
        "half.jpg": (jpeg[: len(jpeg) // 2], "damaged"),
        "half.png": (png[: len(png) // 2], "damaged"),
        "half.webp": (webp[: len(webp) // 2], "damaged"),
        "half.heic": (heic()[: len(heic()) // 2], "damaged"),
        "head-only.jpg": (jpeg[:4], "damaged"),
        "head-only.png": (png[:8], "damaged"),
        "head-only.webp": (webp[:12], "damaged"),
        "head-only.heic": (heic()[:24], "damaged"),
        "dot.png": (encoded(ramp(1, 1), "PNG"), "too_small"),
        "strip.png": (encoded(ramp(900, 40), "PNG"), "too_small"),
        "text-bomb.png": (text_bomb(), "damaged"),
        "twenty-one-megabytes.jpg": (jpeg + bytes(21 * 2**20), "too_many_bytes"),
    }
    return {name: (data, frozenset(codes.split())) for name, (data, codes) in files.items()}


def text_bomb() -> bytes:
    """A PNG whose compressed text unfolds to 20 MB."""
    whole = encoded(ramp(), "PNG")
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(20_000_000), 1))
    return whole[:33] + text + whole[33:]


def hostile() -> dict[str, bytes]:
    """All of them by name."""
    return sound() | {name: data for name, (data, _) in refused().items()}
