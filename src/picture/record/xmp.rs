//! Records as XMP (ISO 16684-1): one property of a namespace of our own.

/// What begins an XMP segment of a JPEG.
pub(super) const SIGNATURE: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

const BEFORE: &str = "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
    <x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\
    <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
    <rdf:Description rdf:about=\"\" xmlns:impasto=\"https://github.com/impasto-rs/impasto/record/1.0/\">\
    <impasto:record>";
const AFTER: &str = "</impasto:record></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end=\"w\"?>";

/// The record as an XMP packet. Characters that XML cannot hold become U+FFFD.
pub(in crate::picture) fn packet(text: &str) -> Vec<u8> {
    let mut packet = BEFORE.to_owned();
    for character in text.chars() {
        match character {
            '<' => packet.push_str("&lt;"),
            '>' => packet.push_str("&gt;"),
            '&' => packet.push_str("&amp;"),
            // Otherwise taken for a line's end.
            '\r' => packet.push_str("&#13;"),
            '\t' | '\n' => packet.push(character),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => packet.push(char::REPLACEMENT_CHARACTER),
            _ => packet.push(character),
        }
    }
    packet.push_str(AFTER);
    packet.into_bytes()
}

/// Puts the record into a JPEG, behind its first segment, which has to stay the first.
pub(in crate::picture) fn insert_into_jpeg(file: &mut Vec<u8>, text: &str) {
    let place = match file[..] {
        [0xFF, 0xD8, 0xFF, 0xE0, high, low, ..] => 4 + usize::from(u16::from_be_bytes([high, low])),
        _ => 2,
    };
    let packet = packet(text);
    let length = 2 + SIGNATURE.len() + packet.len();
    let length = u16::try_from(length).expect("records are checked to fit into a segment").to_be_bytes();
    let segment = [&[0xFF, 0xE1], &length[..], SIGNATURE, &packet].concat();
    file.splice(place..place, segment);
}

/// The record in an XMP packet, however another program has written it anew: as an element or as an attribute.
pub(super) fn record(packet: &[u8]) -> Option<String> {
    let text = str::from_utf8(packet).ok()?;
    let between = |before: &str, after: char| {
        let (_, rest) = text.split_once(before)?;
        Some(rest.split_once(after)?.0)
    };
    let found = between("<impasto:record>", '<').or_else(|| between("impasto:record=\"", '"'))?;
    Some(unescaped(found))
}

/// Text of XML as it was before. References that are not known stay.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let reference = part.split_once(';').and_then(|(name, rest)| Some((character(name)?, rest)));
        match reference {
            Some((character, rest)) => {
                plain.push(character);
                plain.push_str(rest);
            }
            None => {
                plain.push('&');
                plain.push_str(part);
            }
        }
    }
    plain
}

fn character(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["", "{\"a\": \"<b> & 'c'\"}", "&amp;&#13;&x", "é\u{1F3A8}\n\t\r\r\n", "]]>"] {
            assert_eq!(record(&packet(text)).as_deref(), Some(text));
        }
        assert_eq!(record(&packet("a\0b\u{ffff}c")).as_deref(), Some("a\u{fffd}b\u{fffd}c"));
    }

    #[test]
    fn an_attribute_will_do() {
        let packet = b"<rdf:Description x=\"1\" impasto:record=\"{&quot;a&quot;: &#x31;&#50;&bogus;&}\"/>";
        assert_eq!(record(packet).as_deref(), Some("{\"a\": 12&bogus;&}"));
        assert_eq!(record(b"<impasto:record>no end"), None);
        assert_eq!(record(b"\xFF<impasto:record>a</impasto:record>"), None);
    }

    #[test]
    fn a_packet_stands_behind_the_first_segment() {
        let mut file = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xDB];
        insert_into_jpeg(&mut file, "a");
        assert_eq!(file[..8], [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2]);
        assert_eq!(file[8..10], [0xFF, 0xE1]);
        let length = usize::from(u16::from_be_bytes([file[10], file[11]]));
        assert_eq!(file[10 + length..], [0xFF, 0xDB]);
    }
}
