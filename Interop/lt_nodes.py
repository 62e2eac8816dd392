# SPDX-License-Identifier: Apache-2.0
"""libtorrent sessions as DHT nodes at addresses of either family, driven by JSON lines; see bt_lt_dht.py for the rest.

    lt_nodes.py --listen '[fd77::1]:6881' … --bootstrap HOST:PORT [--set JSON]

  stdin  {"op":"announce","node":N,"info_hash":HEX,"port":P,"seed":0|1,"id":I}  -> {"event":"result","id":I}
         {"op":"get_peers","node":N,"info_hash":HEX,"id":I}                      -> {"event":"result","id":I,"peers":N} at the first peers
         {"op":"sample","node":N,"to":[HOST,PORT],"target":HEX,"id":I}           -> {"event":"result","id":I,"samples":[HEX],"total":N,"interval":S}
         {"op":"warm","lookups":K,"id":I}                                        -> {"event":"result","id":I}
"""
import argparse
import json
import os
import select
import sys
import time

import libtorrent as lt

OPEN = {
    "dht_restrict_routing_ips": False, "dht_restrict_search_ips": False, "dht_prefer_verified_node_ids": False, "dht_enforce_node_id": False,
    "dht_ignore_dark_internet": False, "dht_upload_rate_limit": 100_000_000, "dht_block_ratelimit": 1_000_000, "dht_block_timeout": 1,
}
CATEGORY = lt.alert.category_t
SEED = 1


def say(**fields):
    print(json.dumps(fields), flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--listen", action="append", required=True)
    options.add_argument("--bootstrap", default="")
    options.add_argument("--set", default="{}")
    given = options.parse_args()
    mask = CATEGORY.dht_notification | CATEGORY.dht_operation_notification | CATEGORY.status_notification | CATEGORY.error_notification
    sessions = [lt.session({
        "listen_interfaces": address, "enable_dht": True, "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        "dht_bootstrap_nodes": given.bootstrap, "alert_mask": mask, **OPEN, **json.loads(given.set),
    }) for address in given.listen]
    end = time.monotonic() + 10
    while time.monotonic() < end and not all(session.is_listening() for session in sessions):
        time.sleep(0.02)
    say(event="ready", nodes=given.listen)
    waiting, unread = [], b""
    while True:
        readable, _, _ = select.select([0], [], [], 0.01)
        if readable:
            chunk = os.read(0, 65536)
            if not chunk:
                break
            *lines, unread = (unread + chunk).split(b"\n")
            for line in lines:
                begin(json.loads(line), sessions, waiting)
        for number, session in enumerate(sessions):
            for alert in session.pop_alerts():
                waiting[:] = [entry for entry in waiting if not (entry["node"] == number and answer(entry, alert))]
    os._exit(0)


def begin(command, sessions, waiting):
    command.setdefault("node", 0)
    session = sessions[command["node"]]
    if command["op"] == "announce":
        flags = SEED if command.get("seed") else 0
        session.dht_announce(lt.sha1_hash(bytes.fromhex(command["info_hash"])), command["port"], flags)
        say(event="result", id=command["id"])
    elif command["op"] == "get_peers":
        waiting.append(command)
        session.dht_get_peers(lt.sha1_hash(bytes.fromhex(command["info_hash"])))
    elif command["op"] == "sample":
        waiting.append(command)
        session.dht_sample_infohashes(tuple(command["to"]), lt.sha1_hash(bytes.fromhex(command["target"])))
    elif command["op"] == "warm":
        for each in sessions:
            for _ in range(command.get("lookups", 3)):
                each.dht_get_peers(lt.sha1_hash(os.urandom(20)))
        say(event="result", id=command["id"])


def answer(entry, alert):
    """Whether the alert is what the command waits for."""
    name = type(alert).__name__
    if entry["op"] == "get_peers" and name == "dht_get_peers_reply_alert" and str(alert.info_hash) == entry["info_hash"] and alert.num_peers() > 0:
        say(event="result", id=entry["id"], peers=alert.num_peers())
        return True
    if entry["op"] == "sample" and name == "dht_sample_infohashes_alert":
        interval = alert.interval.total_seconds() if hasattr(alert.interval, "total_seconds") else alert.interval
        say(event="result", id=entry["id"], samples=[str(hash) for hash in alert.samples], total=alert.num_infohashes, interval=interval)
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
