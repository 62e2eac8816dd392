// SPDX-License-Identifier: Apache-2.0

/// A value that must not reach a log, a screen or a crash report by accident: it prints as a placeholder.
///
/// What is done with ``exposed`` is the caller's to answer for.
public struct Sensitive<Value: Sendable>: Sendable {
    public var exposed: Value

    public init(_ value: Value) { exposed = value }
}

extension Sensitive: Equatable where Value: Equatable {}
extension Sensitive: Hashable where Value: Hashable {}

extension Sensitive: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "<hidden>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
