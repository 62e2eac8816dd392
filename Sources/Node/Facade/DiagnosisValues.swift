// SPDX-License-Identifier: Apache-2.0

/// One finding of `roost doctor`.
public struct DoctorReport: Equatable, Sendable, Codable {
    /// One thing that was looked at.
    public struct Finding: Equatable, Sendable, Codable {
        /// `ok`, `repaired`, `problem`.
        public var state: String
        /// What was found, in one sentence.
        public var what: String
        /// What to do about it; nil where nothing is to be done.
        public var remedy: String?

        /// Takes each value as it is.
        public init(state: String, what: String, remedy: String? = nil) {
            self.state = state
            self.what = what
            self.remedy = remedy
        }
    }

    /// True where no finding is a problem that is left.
    public var healthy: Bool
    /// In the order of looking.
    public var findings: [Finding]

    /// Takes each value as it is.
    public init(healthy: Bool, findings: [Finding]) {
        self.healthy = healthy
        self.findings = findings
    }
}

/// `roost why`: each stage from the name to the page.
public struct WhyReport: Equatable, Sendable, Codable {
    /// One step on the way from the address to the page.
    public struct Stage: Equatable, Sendable, Codable {
        /// `name`, `key`, `release`, `peers`, `blocks`, `page`.
        public var stage: String
        /// Whether the step succeeded.
        public var ok: Bool
        /// Seconds.
        public var seconds: Double
        /// What was seen, for a person.
        public var detail: String
        /// What to do about it, where the step failed.
        public var remedy: String?
        /// Of the error, where the stage failed.
        public var kind: NodeError.Kind?

        /// Takes each value as it is.
        public init(
            stage: String,
            ok: Bool,
            seconds: Double,
            detail: String,
            remedy: String? = nil,
            kind: NodeError.Kind? = nil
        ) {
            self.stage = stage
            self.ok = ok
            self.seconds = seconds
            self.detail = detail
            self.remedy = remedy
            self.kind = kind
        }
    }

    /// The address as it was asked for.
    public var url: String
    /// True where every stage succeeded.
    public var ok: Bool
    /// As far as they were tried, in order; the last may be the one that failed.
    public var stages: [Stage]

    /// Takes each value as it is.
    public init(url: String, ok: Bool, stages: [Stage]) {
        self.url = url
        self.ok = ok
        self.stages = stages
    }
}
