// SPDX-License-Identifier: Apache-2.0

/// Descriptions and answers of gateways, in the shapes that miniupnpd gives them, and with what a hostile one may add.
enum UPnPSamples {
    static var all: [[UInt8]] { descriptions.flatMap(described) + replies.flatMap(replied) }

    private static func described(_ text: String) -> [[UInt8]] {
        let body = Array(text.utf8)
        let halves = [body.prefix(body.count / 2), body.dropFirst(body.count / 2)]
        var chunked: [UInt8] = []
        for half in halves { chunked += Array("\(String(half.count, radix: 16))\r\n".utf8) + half + [13, 10] }
        chunked += Array("0\r\n\r\n".utf8)
        return [
            [0] + body, [1] + head("Content-Length: \(body.count)") + body, [1] + head("X: y") + body,
            [1] + head("Transfer-Encoding: chunked") + chunked,
        ]
    }

    private static func replied(_ text: String) -> [[UInt8]] {
        let body = Array(text.utf8)
        return [[2] + head("Content-Length: \(body.count)") + body, [8] + body, [9] + body]
    }

    private static func head(_ field: String) -> [UInt8] { Array("HTTP/1.1 200 OK\r\n\(field)\r\n\r\n".utf8) }

    private static func service(_ type: String, _ url: String) -> String {
        """
        <service><serviceType>urn:schemas-upnp-org:service:\(type)</serviceType><SCPDURL>/\(type).xml</SCPDURL>\
        <controlURL>\(url)</controlURL><eventSubURL>/evt</eventSubURL></service>
        """
    }

    private static var descriptions: [String] {
        let long = String(repeating: "a", count: 140)
        let services =
            service("WANCommonInterfaceConfig:1", "/ctl/CmnIfCfg") + service("WANIPConnection:1", "/ctl/IPConn")
            + service("WANIPv6FirewallControl:1", "/ctl/IP6FCtl")
        return [
            """
            <?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><URLBase>http://192.0.2.1:5000/</URLBase>\
            <device a='b' c="d"><presentationURL><![CDATA[http://x/]]></presentationURL><!-- no --><serviceList>\(services)</serviceList>\
            </device></root>
            """,
            "<r:root>" + service("WANPPPConnection:1", "http://192.0.2.9/" + long)
                + service("WANIPConnection:\(long)", long) + "</r:root>",
            "<URLBase>\(long)</URLBase><device a='b' c=d><x/><\(long) \(long)=\"x\"/>"
                + service("WANIPConnection:2", "ctl"),
        ]
    }

    private static let replies = [
        "<s:Body><u:R><NewExternalIPAddress>203.0.113.77</NewExternalIPAddress></u:R></s:Body>",
        "<NewExternalIPAddress>203.0.113.77 and much more</NewExternalIPAddress>",
        "<u:R><FirewallEnabled>1</FirewallEnabled><InboundPinholeAllowed>1</InboundPinholeAllowed><UniqueID>12345678901</UniqueID></u:R>",
        "<s:Fault><detail><UPnPError><errorCode>725</errorCode></UPnPError></detail></s:Fault>",
        "<NewPortListing><![CDATA[<a/>]]></NewPortListing><errorCode>x</errorCode>",
    ]
}
