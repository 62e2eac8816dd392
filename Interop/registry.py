# SPDX-License-Identifier: Apache-2.0
"""The list of cases. A case is a function of a Lab that raises when what its title says is not so."""
CASES = []


def case(group, title, optional=False, waits=False):
    """Registers the function. Optional cases run only when they are asked for by name. Cases that spend most of their time
    waiting for another program's timer (Transmission asks its DHT and its trackers when it sees fit) run beside the others."""
    def register(body):
        CASES.append((group, title, body, optional, waits))
        return body
    return register
