// SPDX-License-Identifier: Apache-2.0

/// Why an announce or a scrape brought nothing.
public enum TrackerError: Error, Equatable, Sendable {
    /// The tracker says no, in its words, at most 512 bytes.
    case refused(String, retry: Retry?)
    /// What it sent is no reply.
    case malformed
    /// It did not answer in time.
    case timeout
    /// It could not be reached, or answered with this HTTP status.
    case unreachable
    case status(Int)
    /// The address policy forbids to go there.
    case forbidden
    /// The tracker's URL does not tell where to scrape (BEP 48).
    case noScrape

    /// BEP 31: when to come again.
    public enum Retry: Equatable, Sendable {
        case after(Duration)
        case never
    }
}
