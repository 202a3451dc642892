#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Does every clause that lib/ cites have a unit test of its name?

A clause is what a comment or drop.def cites: "RFC 9293 3.10.7.4 step 2.3", "RFC 5961 4.2",
"RFC 9293 3.6.1 MAY-2", "D-14", "F7", "rules.md 7.1". A test of its name is a function of tests/unit/
that its main() runs and that has the clause, or one within it, in its name
(rfc9293_3_10_7_4_step2_..., rfc9293_must_13_..., rules_d14_..., f7_...) or in the comment directly
above it. So has each row of the README's conformance table: every clause of one that is "done", at
least one, or one of its decisions, of one that is done partly or not.

Prints what is missing, with the place; exit status 1 if anything is."""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
ORDINALS = {"first": "1", "second": "2", "third": "3", "fourth": "4"}
DEFINITION = re.compile(
    r"(?P<comment>/\*(?:(?!\*/).)*\*/\n)?"
    r"(?:[A-Z]+(?:_TEST)?\((?P<by_macro>\w+)\)\n\{|static void\n(?P<plain>\w+)\(void \*\*state\)\n)",
    re.S)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
SECTION = r"\d+(?:\.\d+)*|[A-Z](?:\.\d+)*(?![\w-])"
QUALIFIER = (r"steps? \d+(?:\.\d+)?|(?:MUST|SHLD|MAY)-\d+|(?:" + "|".join(ORDINALS) + r")\b")
AFTER_RFC = re.compile(rf"\s*(?:,|and|to)?\s*(?:({QUALIFIER})|({SECTION}))")


class Clause(collections.namedtuple("Clause", "document section step rule")):
    """Of a document: a section, perhaps a step of it, or a numbered rule ("MUST-14", "D-7")."""

    def __str__(self):
        step = f"step {self.step}" if self.step else ""
        return " ".join(part for part in (self.document, self.section, step, self.rule) if part)

    def has(self, other):
        """Is other this clause or a part of it?"""
        if self.document != other.document:
            return False
        if self.rule:
            return self.rule == other.rule
        return (within(self.section, other.section) and
                (not self.step or (self.section == other.section and
                                   within(self.step, other.step))))


def within(outer, inner):
    return not outer or inner == outer or inner.startswith(outer + ".")


def clause(document, section="", step="", rule=""):
    return Clause(document, section, step, rule)


def between(first, last):
    """The numbers from "3.10.1" to "3.10.5"."""
    head, _, low = first.rpartition(".")
    tail, _, high = last.rpartition(".")
    if head != tail or not (low.isdigit() and high.isdigit()):
        return [last]
    return [f"{head}.{n}" if head else str(n) for n in range(int(low) + 1, int(high) + 1)]


def cited_of_rfc(text, at, number):
    """The clauses that follow "RFC number" in text, from at on."""
    document = f"RFC {number}"
    found = [clause(document)]
    section = ""
    while (match := AFTER_RFC.match(text, at)):
        qualifier, following = match.groups()
        joined = re.match(r"\s*(\w*)", text[at:match.end()]).group(1)
        at = match.end()
        if following and following.isdigit() and int(following) > 700:
            document, section = f"RFC {following}", ""
            found.append(clause(document))
        elif following:
            for one in between(section, following) if joined == "to" else [following]:
                found.append(clause(document, one))
            section = following
        elif qualifier.startswith("step"):
            found.append(clause(document, section, qualifier.split()[1]))
        elif qualifier in ORDINALS:
            found.append(clause(document, section, ORDINALS[qualifier]))
        else:
            found.append(clause(document, rule=qualifier))
    return most_exact(found)


def most_exact(found):
    """Without those that the next one says more exactly: "3.6.1 MAY-2" is MAY-2."""
    return [c for c, after in zip(found, found[1:] + [None])
            if after is None or c.document != after.document or
            not (after.rule or c.has(after)) or c.rule]


def cited(text):
    """All clauses that text cites."""
    text = re.sub(r"\n\s*\*?\s*", " ", text)
    found = []
    for match in re.finditer(r"\bRFC (\d+)", text):
        found += cited_of_rfc(text, match.end(), match.group(1))
    found += [clause("rules.md", rule=f"D-{n}") for n in re.findall(r"\bD-(\d+)", text)]
    for first, last in re.findall(r"\bF([1-9])\b(?: to F([1-9])\b)?", text):
        found += [clause("rules.md", rule=f"F{n}")
                  for n in range(int(first), int(last or first) + 1)]
    found += [clause("rules.md", section)
              for section in re.findall(r"rules\.md (?:section )?(\d+(?:\.\d+)*)", text)]
    return found


def named(name):
    """The clauses in a test's name."""
    found = []
    document = "RFC 9293"
    match = re.match(r"rfc(\d+)(_[a-z](?:_\d+)+|(?:_\d+)*)(?=_|$)(?:_steps?_?(\d+)(?:_to_(\d+))?)?",
                     name)
    if match:
        number, section, step, last = match.groups()
        document = f"RFC {number}"
        section = section.strip("_").replace("_", ".").upper()
        found.append(clause(document, section))
        for n in range(int(step or 1), int(last or step or 0) + 1):
            found.append(clause(document, section, str(n)))
        ordinal = re.match(r"rfc[\d_]+(" + "|".join(ORDINALS) + ")_", name)
        if ordinal:
            found.append(clause(document, section, ORDINALS[ordinal.group(1)]))
    match = re.match(r"rules_(\d+(?:_\d+)*)(?=_)", name)
    if match:
        found.append(clause("rules.md", match.group(1).replace("_", ".")))
    found += [clause(document, rule=f"{kind.upper()}-{n}")
              for kind, n in re.findall(r"(?:^|_)(must|shld|may)_(\d+)(?=_|$)", name)]
    found += [clause("rules.md", rule=f"D-{n}") for n in re.findall(r"(?:^|_)d(\d+)(?=_|$)", name)]
    found += [clause("rules.md", rule=f"F{n}") for n in re.findall(r"(?:^|_)f([1-9])(?=_)", name)]
    return found


def read_tests():
    """Every clause that a test has in its name or above it."""
    clauses = set()
    for path in sorted((ROOT / "tests" / "unit").glob("test_*.c")):
        text = path.read_text(encoding="utf-8")
        body, _, main = text.partition("\nmain(void)\n")
        run = set(re.findall(r"\(\s*(\w+)\s*\)", main))
        for match in DEFINITION.finditer(body):
            name = match["by_macro"] or match["plain"]
            if name in run:
                clauses.update(named(name) + cited(match["comment"] or ""))
    return clauses


def read_lib():
    """{clause: the first place that cites it}"""
    places = {}
    for path in sorted((ROOT / "lib").glob("*.[chd]*")):
        text = path.read_text(encoding="utf-8")
        pattern = re.compile(r".+") if path.suffix == ".def" else COMMENT
        for match in pattern.finditer(text):
            for one in cited(match.group()):
                line = text.count("\n", 0, match.start()) + 1
                places.setdefault(one, f"lib/{path.name}:{line}")
    return places


def read_rows():
    """The README's conformance table: (line, what, source, how)."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        inside = line == "## Conformance" or (inside and not line.startswith("## "))
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if inside and line.startswith("| ") and len(cells) == 3 and cells[0] != "rule":
            rows.append((number, *cells))
    return rows


def missing_rows(rows, has_test):
    for number, what, source, how in rows:
        of_source = cited(source)
        if how.startswith("not") or how.startswith("partly"):
            if not any(map(has_test, of_source + cited(how))):
                yield f"README.md:{number}: {what}: none of {source} or its decisions"
            continue
        for one in of_source or [clause(source)]:
            if not has_test(one):
                yield f"README.md:{number}: {what}: {one}"


def main():
    tests = read_tests()
    places = read_lib()
    rows = read_rows()

    def has_test(one):
        return any(one.has(other) for other in tests)

    if not places or not rows:
        sys.exit("rfc_coverage.py: no citation in lib/, or no conformance table in README.md")
    missing = [f"{place}: {one}" for one, place in sorted(places.items(), key=lambda p: p[1])
               if not has_test(one)]
    missing += missing_rows(rows, has_test)
    for one in missing:
        print(f"no test of its name: {one}")
    print(f"{len(places)} clauses cited in lib/, {len(rows)} rows of the conformance table; "
          f"{len(missing)} without a test of its name")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
