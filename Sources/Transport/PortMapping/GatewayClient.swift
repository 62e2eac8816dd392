// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Glibc
internal import Wire

/// Asks the gateway of this machine by PCP, and by NAT-PMP where it knows no more. Every call blocks, for at most some four
/// seconds where nobody answers: for a thread of its own.
struct GatewayClient {
    let gateway: IPAddress
    private let descriptor: Int32
    private let client: IPAddress
    private var isNATPMP = false
    let nonce: [UInt8]
    /// How long each question is waited for before it is asked again.
    private let patience: [Duration]
    /// Whether to give up at once.
    private let isEnding: () -> Bool

    /// Nil where there is no way to the gateway. `interface`: of a gateway whose address is of the link alone; `source`: which of
    /// our addresses it is asked from and for, nil for the system's choice.
    init?(
        gateway: IPAddress,
        interface: UInt32 = 0,
        source: IPAddress? = nil,
        nonce: [UInt8],
        patience: [Duration],
        isEnding: @escaping () -> Bool
    ) {
        let bytes = gateway.bytes
        var local = [UInt8](repeating: 0, count: bytes.count)
        // SAFETY: arrays that live for the call, each of as many bytes as the gateway's address; the source may be null.
        descriptor = unsafe roost_gateway_open(
            bytes,
            bytes.count,
            interface,
            PortControl.port,
            source.map { $0.bytes },
            &local
        )
        guard descriptor >= 0, let client = IPAddress(local) else { return nil }
        self.gateway = gateway
        self.nonce = nonce
        self.patience = patience
        self.isEnding = isEnding
        self.client = client
    }

    func close() { _ = Glibc.close(descriptor) }

    /// Nil where the gateway does not answer, or refuses.
    mutating func map(
        _ transport: PortMapping.Kind,
        port: UInt16,
        external: UInt16,
        lifetime: Duration
    ) -> PortMapping? {
        let request = PortControl.Request(
            transport: transport,
            internalPort: port,
            externalPort: external,
            lifetime: lifetime,
            nonce: nonce,
            client: client
        )
        if !isNATPMP {
            switch ask(request.pcp, { PortControl.parse($0, to: request) }) {
            case .mapped(let mapping)?: return mapping
            case .onlyNATPMP? where gateway.isV4: isNATPMP = true
            case .onlyNATPMP?, .refused?, nil: return nil
            }
        }
        guard case .mapped(var mapping)? = ask(request.natPMP, { PortControl.parse($0, to: request) }) else {
            return nil
        }
        mapping.externalAddress = ask(PortControl.addressRequest) { PortControl.parseAddress($0) }
        return mapping
    }

    private func ask<Answer>(_ request: [UInt8], _ parse: (ArraySlice<UInt8>) -> Answer?) -> Answer? {
        for wait in patience where !isEnding() {
            var answer = [UInt8](repeating: 0, count: PortControl.maximumAnswer)
            let milliseconds = Int32(
                wait.components.seconds * 1000 + wait.components.attoseconds / 1_000_000_000_000_000
            )
            // SAFETY: both arrays live for the call, and their counts are what is said.
            let count = unsafe roost_gateway_ask(
                descriptor,
                request,
                request.count,
                &answer,
                answer.count,
                milliseconds
            )
            // An error is "connection refused" from a gateway that is none: nobody will answer later.
            guard count >= 0 else { return nil }
            if let parsed = parse(answer.prefix(count)) { return parsed }
        }
        return nil
    }

    /// The IPv4 gateway of the default route with the lowest metric, by the text of `/proc/net/route`.
    static func defaultGateway(routes: String) -> IPAddress? {
        var best: (metric: Int, gateway: IPAddress)?
        for line in routes.split(separator: "\n").dropFirst() {
            let fields = line.split { $0 == "\t" || $0 == " " }
            // Interface, destination, gateway, flags, …, metric; addresses as the memory of this machine has them.
            guard fields.count >= 8, fields[1] == "00000000", fields[7] == "00000000",
                let gateway = UInt32(fields[2], radix: 16), gateway != 0, let metric = Int(fields[6])
            else { continue }
            if best.map({ metric < $0.metric }) ?? true { best = (metric, .v4(UInt32(bigEndian: gateway))) }
        }
        return best?.gateway
    }
}
