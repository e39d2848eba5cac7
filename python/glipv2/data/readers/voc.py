"""Pascal VOC: an XML file a picture. Objects marked as difficult are left out, as its rules have it."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from glipv2.data.problems import Problems
from glipv2.data.readers.building import Builder, Entry, Thing
from glipv2.data.readers.lists import numbered, read_list
from glipv2.data.readers.reading import How, Reading, finished
from glipv2.data.readers.xml_file import integer, read_xml, size_in, text_of, thing_box
from glipv2.data.sources import Voc
from glipv2.text.prompts import clean_name


def read_voc(source: Voc, how: How) -> Reading:
    """Categories are those of all files of the folder, whatever the split, by the alphabet: each split has the same."""
    problems = Problems()
    builder = Builder(problems, how.decode)
    wanted = read_list(source.split, source.annotations, ".xml", problems)
    roots = {name: read_xml(source.annotations / f"{name}.xml", problems) for name in wanted}
    others = [] if source.split is None else read_list(None, source.annotations, ".xml", Problems())
    of_others = (read_xml(source.annotations / f"{name}.xml", Problems()) for name in others if name not in roots)
    names = sorted({name for root in [*roots.values(), *of_others] for name in _names(root)})
    index_of = {name: index for index, name in enumerate(names)}
    for number, name in numbered(wanted):
        root = roots[name]
        if root is None:
            continue
        where = str(source.annotations / f"{name}.xml")
        entry = Entry(where, number, source.images / (text_of(root, "filename") or f"{name}.jpg"), size_in(root))
        for nth, one in enumerate(root.findall("object")):
            category = index_of.get(text_of(one, "name"))
            if category is None:
                problems.add("unknown_category", f"{where}: object[{nth}]", "it has no name")
            elif not integer(one, "difficult"):
                entry.things.append(Thing(f"{where}: object[{nth}]", thing_box(one), category))
        builder.add(entry)
    files = [source.annotations / f"{name}.xml" for name in wanted]
    ids = range(1, len(names) + 1)
    return finished(source, builder, names, ids, files if source.split is None else [source.split, *files])


def _names(root: Element | None) -> list[str]:
    given = [] if root is None else [text_of(one, "name") for one in root.findall("object")]
    return [name for name in given if clean_name(name)]
