// SPDX-License-Identifier: Apache-2.0
internal import CMiniupnpc
internal import Glibc
internal import Wire

@testable internal import Transport

/// What a device in the local network can make of miniupnpc, a library in C inside the process, and what our clients take from it.
///
/// The library counts no edges, so that a fuzzer sees only what comes out of it: samples matter more than elsewhere. In return its
/// text and its structures end where a page begins that nobody may touch.
enum UPnPTrial {
    /// By the first byte: a description as the library gets it, the same as an HTTP answer, and answers to what is asked, whole or
    /// with a head that the fuzzer need not make.
    static func run(_ bytes: [UInt8]) throws {
        let rest = Array(bytes.dropFirst())
        switch bytes.first ?? 0 {
        case 0: try description(rest)
        case 1: try fetched(rest)
        case let choice: try asked(Int(choice) % 2, choice >= 8 ? head(rest.count) + rest : rest)
        }
    }

    static func head(_ count: Int) -> [UInt8] { Array("HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n".utf8) }

    /// Returns where the gateway is to be asked.
    @discardableResult
    static func description(_ bytes: [UInt8]) throws -> String? {
        // 2.2.4 looks one byte past what it was given (mended in 2.3); there always is one, behind what it has allocated.
        let text = unsafe GuardedPage(bytes + [0x3C])
        let structure = unsafe GuardedPage([UInt8](repeating: 0, count: MemoryLayout<IGDdatas>.size))
        defer {
            unsafe text.free()
            unsafe structure.free()
        }
        // SAFETY: both stand until the end of this call, with room for what their types and counts say.
        let data = unsafe structure.start.assumingMemoryBound(to: IGDdatas.self)
        unsafe parserootdesc(text.start.assumingMemoryBound(to: CChar.self), Int32(bytes.count), data)
        return try unsafe taken(data.pointee, from: "http://192.0.2.1:5000/rootDesc.xml")
    }

    /// What both clients would go on with; nothing is asked at an address that the input names.
    @discardableResult
    private static func taken(_ description: IGDdatas, from url: String) throws -> String? {
        var data = description
        for service in [data.first, data.second, data.IPv6FC, data.CIF] {
            for text in [text(service.controlurl), text(service.servicetype), text(service.scpdurl)] {
                try hold(text != nil, "a text of a description ends in its field")
            }
        }
        try hold(text(data.urlbase) != nil, "a text of a description ends in its field")
        var urls = unsafe UPNPUrls()
        unsafe GetUPNPUrls(&urls, &data, url, 0)
        defer { unsafe FreeUPNPUrls(&urls) }
        let longest = url.utf8.count + 2 * Int(MINIUPNPC_URL_MAXSIZE) + 1
        for length in unsafe [urls.controlURL.map { unsafe strlen($0) }, urls.controlURL_6FC.map { unsafe strlen($0) }]
        {
            try hold((length ?? 0) <= longest, "a URL is as long as its parts")
        }
        guard unsafe UPnPClient(urls, data, client: "192.0.2.2") != nil else { return nil }
        return unsafe urls.controlURL.map { unsafe String(cString: $0) }
    }

    // SAFETY: reads within the array alone.
    private static func text<Field>(_ field: Field) -> String? {
        unsafe withUnsafeBytes(of: field) { unsafe $0.contains(0) ? UPnPClient.text($0) : nil }
    }

    private static func fetched(_ answer: [UInt8]) throws {
        let url = UPnPDevice.shared.url(of: answer)
        defer { UPnPDevice.shared.forget(url) }
        var urls = unsafe UPNPUrls()
        var data = IGDdatas()
        var address = [CChar](repeating: 0x7F, count: 64)
        // SAFETY: structures and buffer of ours with their true sizes.
        guard unsafe UPNP_GetIGDFromUrl(url, &urls, &data, &address, Int32(address.count)) == 1 else { return }
        unsafe FreeUPNPUrls(&urls)
        try hold(unsafe address.withUnsafeBytes { unsafe UPnPClient.text($0) } == "127.0.0.1", "our address is ours")
        try taken(data, from: url)
    }

    /// Our clients, at a device that answers everything with the same bytes; what they were granted.
    @discardableResult
    static func asked(_ client: Int, _ answer: [UInt8]) throws -> PortMapping? {
        let url = UPnPDevice.shared.url(of: answer)
        defer { UPnPDevice.shared.forget(url) }
        // SAFETY: the fields hold the URL and a zero byte; no pointer outlives its call.
        var urls = unsafe UPNPUrls()
        var data = IGDdatas()
        unsafe withUnsafeMutableBytes(of: &data.first.controlurl) { unsafe $0.copyBytes(from: url.utf8) }
        unsafe withUnsafeMutableBytes(of: &data.IPv6FC.controlurl) { unsafe $0.copyBytes(from: url.utf8) }
        unsafe GetUPNPUrls(&urls, &data, url, 0)
        defer { unsafe FreeUPNPUrls(&urls) }
        unsafe withUnsafeMutableBytes(of: &data.IPv6FC.servicetype) { unsafe $0.copyBytes(from: "urn:x".utf8) }
        guard client == 0 else {
            guard let address = IPAddress("2001:db8::1"), let gateway = unsafe PinholeClient(urls, data) else {
                return nil
            }
            var hole = gateway.open(.udp, port: 5, of: address, before: nil, lifetime: .seconds(3600))
            hole = gateway.open(.udp, port: 5, of: address, before: hole?.pinhole, lifetime: .seconds(3600))
            guard let pinhole = hole?.pinhole else { return nil }
            try hold(pinhole.address == address && (pinhole.name?.utf8.count ?? 0) <= 3 * 7, "a hole has a short name")
            gateway.close(pinhole)
            return hole
        }
        guard let gateway = unsafe UPnPClient(urls, data, client: "192.0.2.2"),
            let mapping = gateway.map(.tcp, port: 5, external: 6, lifetime: .seconds(3600))
        else { return nil }
        try hold(
            mapping.internalPort == 5 && mapping.externalPort == 6 && mapping.transport == .tcp,
            "a mapping is what was asked for"
        )
        gateway.unmap(mapping)
        return mapping
    }
}
