// SPDX-License-Identifier: Apache-2.0
internal import Glibc

/// The clocks of the machine, read here and handed on as values.
enum WallClock {
    /// Seconds since 1970. A claim: no decision rests on it.
    static var seconds: Int64 { Int64(time(nil)) }

    /// RFC 3339 in UTC, to the second, such as `2026-11-21T01:02:03Z`.
    static func text(_ seconds: Int64) -> String {
        var seconds = time_t(seconds)
        // SAFETY: `tm` holds a pointer to a name of the time zone, which is not read.
        var parts = unsafe tm()
        guard unsafe gmtime_r(&seconds, &parts) != nil else { return "" }
        let (year, month, day) = unsafe (1900 + parts.tm_year, parts.tm_mon + 1, parts.tm_mday)
        let (hour, minute, second) = unsafe (parts.tm_hour, parts.tm_min, parts.tm_sec)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(year)-\(two(month))-\(two(day))T\(two(hour)):\(two(minute)):\(two(second))Z"
    }
}
