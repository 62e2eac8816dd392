#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes cases.json: texts, and what Python's tomllib (an implementation that is not ours) reads in them; null where it refuses."""
import json
import pathlib
import tomllib

TEXTS = [
    "", "\n\n", "# only\n", "a = 1", "a=1\n", "\ta\t=\t1\t# c\n", "a = 1\r\nb = 2\r\n", "a = 1\rb = 2", "a = 'x'\n", 'a = "x"\n', "a = ''", 'a = ""',
    'a = "q\\"b\\\\s\\tt\\nn\\u00e9\\U0001F600"', "a = 'C:\\new'", 'a = "\\x41"', 'a = "\\ud800"', 'a = "\\u12"', 'a = "open', "a = 'open", 'a = "two\nlines"',
    "a = +5", "a = -5", "a = -0", "a = +0", "a = 05", "a = 1_000", "a = 1__0", "a = _1", "a = 1_", "a = 0x1F", "a = 0xDEAD_beef", "a = 0o17", "a = 0b101", "a = 0xG",
    "a = +0x1", "a = 0o8", "a = 9223372036854775807", "a = -9223372036854775808", "a = 9223372036854775808", "a = true", "a = false", "a = True", "a =", "a", "= 1",
    "a = 1 b = 2", "a = 1\na = 2", "a = []", "a = ['x', \"y\"]", "a = ['x',]", "a = [ # c\n 'x', # d\n\n 'y'\n]", "a = ['x' 'y']", "a = [,]", "a = ['x'", "a = ['x',,]",
    "a = [1, 2]", "\"a b\" = 1", "'a' = 1", "a-b_C9 = 1", "ä = 1", "\"ä\" = 1", "\"\" = 1", "# bad \x01 c", "a = \"\x01\"", "a = \"\x7f\"", "\ufeffa = 1", "a = 1 # ü",
    "a = \"ü\"", "a = 1 #", "  a = 1  ", "a = 1\n\n# x\nb = 'y'", "a = 0x", "a = -", "a = +", "a = 1\u00a0", "a = 0x_1", "a = 00", "a = -01", "a = 0_1", "a\n= 1",
    "a = \n1", "a = ]", "a = \"x\"y", "a = 'x'#c", "[.", "[]", ".=1", "a..b = 1", "[a", "a = [[]", "a = {", "a = }", "a = 1 \x00", "\x00",
]


def simple(value):
    if isinstance(value, list):
        return all(isinstance(element, (str, int)) for element in value)
    return isinstance(value, (str, int)) and (not isinstance(value, int) or -(1 << 63) <= value < 1 << 63)


def main():
    cases = []
    for text in TEXTS:
        try:
            read = tomllib.loads(text.removeprefix("\ufeff"))
        except tomllib.TOMLDecodeError:
            read = None
        if read is not None and not all(simple(value) for value in read.values()):
            read = None
        values = None if read is None else [
            {"key": key, "list": [str(element) for element in value]} if isinstance(value, list) else
            {"key": key, "toggle": value} if isinstance(value, bool) else
            {"key": key, "number": value} if isinstance(value, int) else {"key": key, "text": value}
            for key, value in read.items()]
        cases.append({"text": text, "values": values})
    pathlib.Path(__file__).with_name("cases.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
