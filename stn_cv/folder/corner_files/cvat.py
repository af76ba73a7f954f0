"""CVAT: an XML file "for images", with one turned box or polygon of four points an image.

A box's rotation is in degrees clockwise around its middle, as CVAT's own conversion of turned
boxes to polygons has it.
"""

from collections.abc import Iterator
from xml.etree import ElementTree

from ...errors import InvalidInputError
from .row import KnownCorners, numbers_in, photo_beside, row_of
from .turned_boxes import turned_box

__all__ = ["read"]

SHAPES = ("box", "polygon", "polyline", "points", "ellipse", "cuboid", "mask", "skeleton")
SIDES = ("xtl", "ytl", "xbr", "ybr")


def read(path: str) -> Iterator[KnownCorners]:
    """What each image that has a shape says."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise InvalidInputError(f"{path!r} is no XML of CVAT: {error}.") from error
    if root.tag != "annotations" or root.find("track") is not None:
        raise InvalidInputError(
            f"{path!r} is no file of CVAT for images; export the task as 'CVAT for images 1.1'."
        )
    if root.findtext(".//flipped", "False").strip().lower() == "true":
        raise InvalidInputError(f"{path!r} is of flipped images; annotate them as they are.")
    for image in root.iter("image"):
        place = f"image {image.get('name')!r} of {path!r}"
        shapes = [shape for shape in image if shape.tag in SHAPES]
        if len(shapes) > 1:
            raise InvalidInputError(f"{place} has {len(shapes)} shapes; wanted one a photo.")
        for shape in shapes:
            photo = photo_beside(path, image.get("name", ""))
            yield row_of(photo, _points(shape, place), image.attrib, ("width", "height"), place)


def _points(shape: ElementTree.Element, place: str) -> list[object]:
    turn = numbers_in([shape.get("rotation", 0)])
    if shape.tag == "polygon" and turn == [0.0]:
        return [x for point in shape.get("points", "").split(";") for x in point.split(",")]
    sides = numbers_in([shape.get(name) for name in SIDES])
    if shape.tag != "box" or sides is None or turn is None:
        raise InvalidInputError(
            f"{place}: cannot make corners of a {shape.tag} {str(shape.attrib)[:120]}; wanted a "
            "box, turned or not, or a polygon of four points."
        )
    left, top, right, bottom = sides
    middle = (left + right) / 2, (top + bottom) / 2
    return turned_box((left, top, right, bottom), turn[0], middle).ravel().tolist()
