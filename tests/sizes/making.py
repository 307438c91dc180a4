"""Files as large as the cases want them, made piece by piece: none of them is ever in memory. Standard library only."""

import random
import zipfile

WORDS = "the a of and notice period month quarter travel leave contract flight train desk form portal manager employee day invoice".split()
PIECE = 1 << 16


class Content:
    """What is sent as a file: its length, and its pieces."""

    def __init__(self, length, pieces):
        self.length, self.pieces = length, pieces


def line_of_words(length, last):
    """A text on one line, whose last word occurs nowhere else."""
    tail = f" {last}".encode()
    some = random.Random(5)
    blocks = []
    for _ in range(32):
        words = []
        while sum(map(len, words)) + len(words) < PIECE:
            words += [some.choice(WORDS) + some.choice("aeiou") * some.randrange(3) + str(some.randrange(400)) for _ in range(500)]
        blocks.append(" ".join(words).encode()[:PIECE - 1] + b" ")

    def pieces():
        left, order = length - len(tail), random.Random(6)
        while left:
            piece = order.choice(blocks)[:left]
            left -= len(piece)
            yield piece
        yield tail

    return Content(length, pieces)


def line_of_letters(length):
    """A text with no place to split it at."""

    def pieces():
        left, block = length, b"abcdefghijklmnopqrstuvwxyz0123456789" * 2048
        while left:
            piece = block[:left]
            left -= len(piece)
            yield piece

    return Content(length, pieces)


def fields(number):
    """A row: no two are equal, each can be found by its number."""
    some = random.Random(number)
    name = f"{some.choice(WORDS)} {some.choice(WORDS)}"
    return [f"row{number}", name, f"{some.randrange(10 ** 6) / 100:.2f}", f"{some.choice(WORDS)} {some.choice(WORDS)} {some.choice(WORDS)}"]


HEADING = ["number", "name", "amount", "remark"]


def of_file(path):
    """A file that is on the disk."""

    def pieces():
        with open(path, "rb") as file:
            while piece := file.read(1 << 18):
                yield piece

    return Content(path.stat().st_size, pieces)


def csv_table(path, rows):
    with open(path, "w") as file:
        file.write(",".join(HEADING) + "\n")
        file.writelines(",".join(fields(number)) + "\n" for number in range(rows))
    return of_file(path)


TYPES = """<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>
<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>
</Types>"""
ROOT = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>
</Relationships>"""
BOOK = """<?xml version="1.0" encoding="UTF-8"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
<sheets><sheet name="Rows" sheetId="1" r:id="rId1"/></sheets></workbook>"""
SHEETS = """<?xml version="1.0" encoding="UTF-8"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>
</Relationships>"""


def workbook(path, rows):
    """A sheet of a workbook, its texts in the cells themselves."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, text in (("[Content_Types].xml", TYPES), ("_rels/.rels", ROOT), ("xl/workbook.xml", BOOK), ("xl/_rels/workbook.xml.rels", SHEETS)):
            archive.writestr(name, text)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>')
            for first in range(0, rows + 1, 1000):
                numbers = range(first, min(first + 1000, rows + 1))
                sheet.write("".join(line(number + 1, HEADING if number == 0 else fields(number - 1)) for number in numbers).encode())
            sheet.write(b"</sheetData></worksheet>")
    return of_file(path)


def line(number, cells):
    inside = "".join(f'<c r="{letter}{number}" t="inlineStr"><is><t>{cell}</t></is></c>' for letter, cell in zip("ABCDEFGH", cells))
    return f'<row r="{number}">{inside}</row>'
