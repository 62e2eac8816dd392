// SPDX-License-Identifier: Apache-2.0
internal import DequeModule
internal import Wire

/// What answers mean: ranges, whole files, files that have moved or are not there.
extension WebSeed {
    mutating func beginRange(
        _ part: WebSeedLayout.Part,
        _ length: Int64?,
        _ range: (start: Int64, length: Int64)?,
        _ isPlain: Bool
    ) {
        guard isPlain, let range, range.start == part.range.lowerBound, range.length == part.length,
            length ?? range.length == range.length
        else { return retire(.malformed) }
        answer = .receiving(skip: 0, hasRest: false)
    }

    mutating func beginWhole(_ part: WebSeedLayout.Part, _ length: Int64?, _ isPlain: Bool) {
        guard isPlain else { return retire(.malformed) }
        let expected = kind == .pieces ? part.length : part.fileLength
        if let length, let expected, length != expected { return retire(.malformed) }
        guard kind == .files else {
            answer = .receiving(skip: 0, hasRest: false)
            return
        }
        let hasRest = part.range.upperBound != part.fileLength
        if hasRest || part.range.lowerBound > 0 { ignoresRanges = true }
        // A server without ranges: a little of the file is thrown away, no more.
        guard part.range.lowerBound <= Self.maximumSkip else { return retire(.noRanges) }
        answer = .receiving(skip: part.range.lowerBound, hasRest: hasRest)
    }

    mutating func take(_ count: Int, skipping skip: Int64, _ hasRest: Bool) {
        let skipped = Int(min(Int64(count), skip))
        if skipped > 0 { actions.append(.skip(skipped)) }
        var left = count - skipped
        answer = .receiving(skip: skip - Int64(skipped), hasRest: hasRest)
        while left > 0, case .receiving(0, let hasRest) = answer, let part = parts.first {
            let data = Int(min(Int64(left), part.length))
            if data > 0 { actions.append(.deliver(data)) }
            left -= data
            gain += data
            parts[0].range = part.range.lowerBound + Int64(data)..<part.range.upperBound
            guard parts[0].length == 0 else { return }
            parts.removeFirst()
            (tries, pausesInARow, redirects) = (0, 0, 0)
            if hasRest { goOn(behind: part) } else { answer = .ignored }
        }
    }

    /// The server sends the file to its end: what is wanted of it next may be what comes next.
    private mutating func goOn(behind part: WebSeedLayout.Part) {
        if let next = parts.first, next.file == part.file, next.range.lowerBound == part.range.upperBound,
            case .open(_, 1, _) = connection
        {
            answer = .receiving(skip: 0, hasRest: next.range.upperBound != next.fileLength)
            return
        }
        answer = .none
        connection = .none
        actions.append(.disconnect)
        advance()
    }

    mutating func redirect(_ part: WebSeedLayout.Part, to location: ServiceURL?) {
        redirects += 1
        guard redirects <= Self.maximumRedirects, let location else { return retire(.badRedirect) }
        if kind == .files, moved.count < Self.maximumMoved { moved[part.file] = location }
        for index in parts.indices
        where parts[index].url != nil && parts[index].file == part.file && (kind == .files || index == 0) {
            parts[index].url = location
        }
        answer = .none
        connection = .none
        actions.append(.disconnect)
        advance()
    }

    /// The server does not have the file: all that was asked for is given back, and asked for again without its pieces.
    mutating func lack(_ part: WebSeedLayout.Part) {
        let pieces = layout.pieces(ofFile: part.file)
        missingFiles.insert(part.file)
        let isEmpty = part.file < 0 || missingFiles.count >= Self.maximumMissing || pieces == layout.pieces(ofFile: -1)
        if isEmpty { retire(.empty) } else { giveUp(lacks: pieces) }
    }
}
