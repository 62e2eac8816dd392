// SPDX-License-Identifier: Apache-2.0

/// What ``PathSanitizer`` had to change in a name, so that a user can be told.
public struct NameChanges: OptionSet, Hashable, Sendable {
    /// One bit a kind of change.
    public let rawValue: UInt16

    /// Any bits; those below have a meaning.
    public init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// It was empty.
    public static let empty = NameChanges(rawValue: 1 << 0)
    /// It was `.` or `..`, or ended in a dot or a space, which some systems drop.
    public static let dots = NameChanges(rawValue: 1 << 1)
    /// It held a separator, a drive letter or another character that some file system refuses.
    public static let reservedCharacter = NameChanges(rawValue: 1 << 2)
    /// It held a control character or one that hides or reverses text.
    public static let invisible = NameChanges(rawValue: 1 << 3)
    /// It was not valid UTF-8.
    public static let invalidText = NameChanges(rawValue: 1 << 4)
    /// It was the name of a device, such as `NUL` or `com1.txt`.
    public static let deviceName = NameChanges(rawValue: 1 << 5)
    /// It was longer than 255 bytes.
    public static let shortened = NameChanges(rawValue: 1 << 6)
    /// It was the same as another name but for letter case or the way in which its characters are composed.
    public static let collision = NameChanges(rawValue: 1 << 7)
}
