#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hostile neighbour: damaged messages of every protocol of the peer port, over UDP and TCP, until its input ends.

    noise.py OWN-ADDRESS RATE HOST:PORT…     so many a second, to a target drawn at random each time

Valid messages of BitTorrent, its extensions, KRPC and uTP are cut short, changed and repeated; some connections say nothing,
some say half a handshake and wait."""
import random
import socket
import sys
import threading
import time

MAXIMUM_OPEN = 40


def handshake(source):
    return b"\x13BitTorrent protocol" + bytes([0, 0, 0, 0, 0, 0x10, 0, 5]) + source.randbytes(20) + b"-XX0000-" + source.randbytes(12)


def framed(payload):
    return len(payload).to_bytes(4, "big") + payload


def stream(source):
    """What a peer could say."""
    return handshake(source) + b"".join(source.choice((
        framed(bytes([source.randrange(24)]) + source.randbytes(source.randrange(20))),
        framed(b"\x14\x00d1:md11:ut_metadatai1e6:ut_pexi2e7:rs_sitei3ee13:metadata_sizei99999999ee"),
        framed(b"\x06" + source.randbytes(12)),
        (1 << 31).to_bytes(4, "big"),
    )) for _ in range(source.randrange(1, 6)))


def datagram(source):
    kind = source.randrange(3)
    if kind == 0:
        name = source.choice((b"4:ping", b"9:find_node", b"9:get_peers", b"3:put", b"13:announce_peer"))
        return b"d1:ad2:id20:" + source.randbytes(20) + b"6:target20:" + source.randbytes(20) + b"e1:q" + name + b"1:t2:aa1:y1:qe"
    if kind == 1:
        return bytes([source.randrange(5) << 4 | 1, source.randrange(3)]) + source.randbytes(source.randrange(18, 60))
    return source.randbytes(source.randrange(1, 1400))


def damaged(data, source):
    data = bytearray(data)
    for _ in range(source.randrange(4)):
        place = source.randrange(len(data))
        action = source.randrange(3)
        if action == 0:
            data[place] = source.randrange(256)
        elif action == 1:
            data[place:place] = data[place:place + 8]
        elif len(data) > 1:
            del data[place:]
            data = data or bytearray(b"\0")
    return bytes(data)


def main():
    own, rate, targets = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    targets = [(host, int(port)) for host, port in (target.rsplit(":", 1) for target in targets)]
    source = random.Random(2026)
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((own, 0))
    udp.setblocking(False)
    open_ones, sent = [], 0
    print('{"event":"ready"}', flush=True)
    while not ended.is_set():
        target = source.choice(targets)
        try:
            if source.randrange(4):
                udp.sendto(damaged(datagram(source), source), target)
            else:
                if len(open_ones) >= MAXIMUM_OPEN:
                    open_ones.pop(source.randrange(len(open_ones))).close()
                connection = socket.create_connection(target, timeout=1)
                connection.settimeout(1)
                open_ones.append(connection)
                if source.randrange(5):
                    connection.sendall(damaged(stream(source), source))
        except OSError:
            pass
        sent += 1
        time.sleep(1 / rate)
    print('{"event":"end","sent":%d}' % sent, flush=True)


if __name__ == "__main__":
    main()
