# SPDX-License-Identifier: Apache-2.0
"""Whether that happened which a soak is: updates, nodes that come and go, hostile neighbours; and how everybody ended."""
import signal

# A turn that takes more than its minute delays those after it: of ten, one may be missing.
MISSING = 10
# Of what a hostile neighbour was to send; it waits where nobody answers it.
SENT = 0.5
CODES = {"killed": -signal.SIGKILL, "asked": 0}


def demanded(planned):
    return planned - planned // MISSING


def of_updates(record, found):
    made, plan = record["updates"] - record["sites"], record.get("plan")
    if not plan:
        # It was a minute each, as far as the length tells.
        return found.add([] if made > 0 else ["no update was published"], f"{made} updates of {record['sites']} sites (how many were planned is not known)")
    least = demanded(plan["updates"])
    found.add([] if made >= least else [f"{made} updates, of {plan['updates']} planned (at least {least})"],
              f"{made} updates of {record['sites']} sites, planned {plan['updates']} (at least {least})")


def of_churn(record, found):
    """Nodes came and went as often as planned, ended as they were to, and by themselves never."""
    plan, ends = record.get("plan"), record.get("ends")
    if not plan or ends is None:
        return found.leave("churn", "the record does not tell how nodes ended")
    ended = [end for end in ends if end["node"] in plan["churners"] and not end["last"]]
    counts = {how: sum(1 for end in ended if end["how"] == how) for how in CODES}
    least = demanded(plan["churned"])
    faults = []
    if sum(counts.values()) < least:
        faults.append(f"nodes came and went {sum(counts.values())} times, of {plan['churned']} planned (at least {least})")
    faults += [f"nodes were {how} {count} times, of {plan['churned'] // 2} planned (at least {least // 2})" for how, count in counts.items() if count < least // 2]
    if plan["churned"] >= 2 * len(plan["churners"]):
        faults += [f"{node} never went" for node in plan["churners"] if node not in {end["node"] for end in ended}]
    for end in ends:
        if end["how"] not in CODES:
            faults.append(f"{end['node']} ended by itself with {end['code']} before {end['second'] / 60:.1f} min")
        elif end["code"] != CODES[end["how"]]:
            faults.append(f"{end['node']} was {end['how']} to end after {end['second'] / 60:.1f} min and ended with {end['code']} after {end['took']:.1f} s")
    # Each of them was there in about every look, but for the seconds that it was gone.
    looks = {node: sum(1 for _, rows in record["churned"] if node in rows) for node in plan["churners"]}
    faults += [f"{node} was there in {count} of {len(record['samples'])} looks" for node, count in looks.items() if count * 2 < len(record["samples"])]
    found.add(faults, f"{len(plan['churners'])} nodes came and went {sum(counts.values())} times, planned {plan['churned']} (at least {least}): "
              f"{counts['killed']} by kill -9, {counts['asked']} asked, at most {max([end['took'] for end in ends], default=0):.1f} s until one had ended")


def of_ends(record, found):
    """In the end every node was asked what is wrong with it, ended as it should, and left nothing behind."""
    plan, homes, ends = record.get("plan"), record.get("homes"), record.get("ends")
    if not plan or homes is None or ends is None:
        return found.leave("the nodes' ends", "the record has none")
    last = {end["node"] for end in ends if end["last"]}
    everybody = plan["stayers"] + plan["churners"]
    faults = [f"{node} was not there to be asked to end" for node in everybody if node not in last]
    for node in everybody:
        home = homes.get(node)
        if home is None or home["doctor"] is None:
            faults.append(f"the doctor of {node} was not heard in the end")
        elif home["doctor"] or home["problems"]:
            faults.append(f"the doctor of {node} ended with {home['doctor']}: {'; '.join(home['problems']) or 'no problem named'}")
        if home and home["left"]:
            faults.append(f"{node} left behind: {', '.join(home['left'])}")
    found.add(faults, f"in the end {len(last)} of {len(everybody)} nodes were asked to end, {len(homes)} homes were looked into by their doctor: "
              f"{'nothing wrong, nothing left behind' if not faults else 'NOT ALL WELL'}")


def of_company(record, found):
    """Hostile neighbours and the DHT lived until they were asked to end, and had something to do."""
    plan, company = record.get("plan"), record.get("company")
    if not plan or company is None:
        return found.leave("hostile neighbours and the DHT", "the record does not tell how they ended")
    faults = []
    for name, rate in plan["company"].items():
        member = company.get(name)
        if member is None:
            faults.append(f"{name} was not there")
            continue
        if member["ended"] is not None:
            faults.append(f"{name} ended by itself with {member['code']} before {member['ended'] / 60:.1f} min")
        elif member["code"] != 0:
            faults.append(f"{name} was asked to end and {'did not' if member['code'] is None else 'ended with %d' % member['code']}")
        least = rate * plan["seconds"] * SENT
        if rate and (member["sent"] or 0) < least:
            faults.append(f"{name} sent {member['sent'] or 0} times (at least {least:.0f})")
    sent = ", ".join(f"{name} sent {company[name]['sent']}" for name, rate in plan["company"].items() if rate and name in company)
    found.add(faults, f"company: {sent}; {'all' if not faults else 'NOT all'} of {', '.join(plan['company'])} lived until they were asked to end")
