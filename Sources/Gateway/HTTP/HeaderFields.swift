// SPDX-License-Identifier: Apache-2.0
internal import HTTPTypes
internal import Hummingbird

extension HTTPFields {
    /// The value of the field called `name`, several joined by a comma; writing replaces them. A name that is no field
    /// name has no value.
    subscript(named name: String) -> String? {
        get { HTTPField.Name(name).flatMap { self[$0] } }
        set {
            guard let name = HTTPField.Name(name) else { return }
            self[name] = newValue
        }
    }
}

extension Request {
    /// The one `Host` of the request; nil where there is none or a second one, which no browser sends.
    var host: String? { headers[named: "Host"] == nil ? head.authority : nil }

    /// The request target as it came, path and query.
    var target: String { head.path ?? "" }

    var origin: RequestOrigin {
        RequestOrigin(
            site: headers[named: "Sec-Fetch-Site"],
            mode: headers[named: "Sec-Fetch-Mode"],
            destination: headers[named: "Sec-Fetch-Dest"],
            purpose: headers[named: "Sec-Purpose"] ?? headers[named: "Purpose"],
            origin: headers[named: "Origin"],
            referers: headers[values: .referer],
            userAgent: headers[named: "User-Agent"],
            wantsUpgrade: headers[named: "Upgrade"] != nil || headers[named: "Sec-WebSocket-Key"] != nil
        )
    }
}
