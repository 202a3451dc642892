# SPDX-License-Identifier: BSD-3-Clause
"""The mutants of a C file: every operator, constant, flag, condition and statement of it changed in
one place. Comments, strings, preprocessor lines and assertions stay as they are."""
import collections
import re

# What stands where that is changed, and what takes its place: line and after are for people and for
# survivors.txt, source is the whole file.
Mutant = collections.namedtuple("Mutant", "path function number line after source")

HIDDEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|^[ \t]*#(?:\\\n|[^\n])*', re.S | re.M)
ASSERTION = re.compile(r"\b(?:_Static_assert|assert)\s*\(")
FUNCTION = re.compile(r"^(\w+)\([^;{}]*\)\n\{", re.M)

# Spaces around them tell binary operators from unary ones: clang-format has put them there.
SWAPPED = {
    " == ": [" != "], " != ": [" == "], " < ": [" <= "], " <= ": [" < "], " > ": [" >= "],
    " >= ": [" > "], " && ": [" || "], " || ": [" && "], " + ": [" - "], " - ": [" + "],
    " * ": [" / "], " / ": [" * "], " % ": [" * "], " << ": [" >> "], " >> ": [" << "],
    " & ": [" | "], " | ": [" & "], " += ": [" -= "], " -= ": [" += "], " &= ": [" |= "],
    " |= ": [" &= "], "++": ["--"], "--": ["++"],
}
OPERATOR = re.compile(r" (?:[=!<>]=|<<|>>|&&|\|\||[-+&|]=|[-+*/%<>&|]) |\+\+|--")
INTEGER = re.compile(r"(?<![\w.])(0[xX][0-9a-fA-F]+|\d+)([uUlL]*)(?![\w.])")
WORD = re.compile(r"\b[A-Za-z_]\w*\b")
WORDS = {
    "true": "false", "false": "true",
    "seq_lt": "seq_le", "seq_le": "seq_lt", "seq_gt": "seq_ge", "seq_ge": "seq_gt",
    "tcp_min": "tcp_max", "tcp_max": "tcp_min",
    "TCP_SYN": "TCP_URG", "TCP_ACK": "TCP_PSH", "TCP_FIN": "TCP_URG", "TCP_RST": "TCP_PSH",
    "TCP_PSH": "TCP_URG", "TCP_OPT_TS": "TCP_OPT_SACK_OK", "TCP_OPT_MSS": "TCP_OPT_WSCALE",
    "TCP_OPT_WSCALE": "TCP_OPT_SACK_OK", "TCP_OPT_SACK_OK": "TCP_OPT_TS",
    "TCP_KEEP": "TCP_RELEASE", "TCP_RELEASE": "TCP_KEEP", "TCP_NEXT": "TCP_KEEP",
    "TCP_REOPEN": "TCP_KEEP",
}
STATES = ["TCP_SYN_RECEIVED", "TCP_ESTABLISHED", "TCP_FIN_WAIT_1", "TCP_FIN_WAIT_2",
          "TCP_CLOSE_WAIT", "TCP_CLOSING", "TCP_LAST_ACK", "TCP_TIME_WAIT"]
WORDS.update(zip(STATES, STATES[1:] + STATES[:1]))
NUMBER_NAME = re.compile(r"[A-Z][A-Z0-9_]*_(?:MS|MAX|MIN|RETRIES|ACKS|LENGTH|SHIFT)$")
CONDITION = re.compile(r"\b(?:if|while) \(")
STATEMENT = re.compile(r"[^;{}]*;")
KEPT = re.compile(r"(?:return\b.|goto\b|case\b|default\b|else$|do$)")
DECLARATION = re.compile(r"(?:const |static |enum |struct |unsigned |u?int\d*_t |bool |tcp_ms |size_t )")


def hide(text):
    """text with what is no code blanked out, place for place."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    code = HIDDEN.sub(blank, text)
    for match in list(ASSERTION.finditer(code)):
        end = closing(code, match.end() - 1)
        code = code[:match.start()] + blank(re.match(r".*", code[match.start():end + 1], re.S)) + \
            code[end + 1:]
    return code


def closing(code, at):
    """Where the parenthesis that opens at `at` is closed."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] == "(") - (code[i] == ")")
        if depth == 0:
            return i
    raise ValueError("a parenthesis is never closed")


def changes(code):
    """(start, end, text): what may be put in the place of code[start:end]."""
    for match in OPERATOR.finditer(code):
        for other in SWAPPED[match.group()]:
            yield match.start(), match.end(), other
    for match in INTEGER.finditer(code):
        value = int(match.group(1), 0)
        yield match.start(), match.end(), f"{0 if value == 1 else value + 1}{match.group(2)}"
    for match in WORD.finditer(code):
        word = match.group()
        if word in WORDS:
            yield match.start(), match.end(), WORDS[word]
        elif word.startswith("TCP_F_"):
            yield match.start(), match.end(), "0"
        elif word.startswith("DROP_"):
            yield match.start(), match.end(), "DROP_ip_protocol" if word == "DROP_NONE" else \
                "DROP_NONE"
        elif NUMBER_NAME.match(word):
            yield match.start(), match.end(), f"({word} + 1)"
    for match in CONDITION.finditer(code):
        end = closing(code, match.end() - 1)
        yield match.end(), end, f"!({code[match.end():end]})"
    yield from deletions(code)


def deletions(code):
    """Whole statements, each replaced by an empty one."""
    for match in STATEMENT.finditer(code):
        text = match.group()
        start = match.start() + len(text) - len(text.lstrip())
        # Behind the labels and conditions that it hangs on.
        while True:
            rest = code[start:match.end()]
            control = re.match(r"(?:if|while|for|switch) \(", rest)
            label = re.match(r"(?:case [\w ]+|default):\s*|else\s+", rest)
            if control:
                start = closing(code, start + control.end() - 1) + 1
                start += len(code[start:]) - len(code[start:].lstrip())
            elif label:
                start += label.end()
            else:
                break
            if start >= match.end():
                break
        rest = code[start:match.end()]
        if len(rest) > 1 and not KEPT.match(rest) and not DECLARATION.match(rest):
            yield start, match.end(), ";"


def mutants(path, text):
    """All mutants of the file with that text, in the order in which they stand in it."""
    code = hide(text)
    functions = [(m.end(), end_of(code, m.end()), m.group(1)) for m in FUNCTION.finditer(code)]
    found = []
    for first, last, function in functions:
        for start, end, new in changes(code[first:last]):
            start, end = start + first, end + first
            source = text[:start] + new + text[end:]
            begin = text.rfind("\n", 0, start + (text[start] == " ")) + 1
            stop = text.find("\n", start + 1)
            line = text[begin:stop].strip()
            if new == ";":
                after = "(deleted)"
                line = " ".join(text[start:end].split())
            else:
                after = source[begin:source.find("\n", start + 1)].strip()
            found.append(Mutant(path, function, text.count("\n", 0, begin) + 1, line, after, source))
    return found


def end_of(code, at):
    """Where the function ends whose brace opens right before `at`."""
    end = code.find("\n}", at)
    return end if end >= 0 else len(code)
