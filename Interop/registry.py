# SPDX-License-Identifier: Apache-2.0
"""The list of cases. A case is a function of a Lab that raises when what its title says is not so."""
CASES = []


def case(group, title, optional=False):
    """Registers the function. Optional cases run only when they are asked for by name."""
    def register(body):
        CASES.append((group, title, body, optional))
        return body
    return register
