//! What is seen on a terminal of 80 columns, which `script` of util-linux provides.

#![cfg(target_os = "linux")]

use super::folder::{Folder, quick};

/// What a command writes to a terminal of 80 columns; none without `script`.
fn on_terminal(folder: &Folder, arguments: &str) -> Option<String> {
    let line = format!("stty cols 80 rows 24; {} {arguments}", env!("CARGO_BIN_EXE_impasto"));
    match folder.program("script").args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").output() {
        Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
        Err(_) => {
            eprintln!("not run: there is no `script`");
            None
        }
    }
}

/// The lines as they were shown one after the other, without what steers the terminal.
fn shown(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // ESC [ parameters letter.
            let end = characters.find(|c| c.is_ascii_alphabetic());
            if matches!(end, Some('A' | 'K' | 'J' | 'G')) {
                plain.push('\n');
            }
        } else {
            plain.push(character);
        }
    }
    plain.split(['\n', '\r']).map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[test]
fn the_bar_has_its_width_and_the_whole_time_left_in_80_columns() {
    let folder = Folder::with_pictures();
    let options = quick("--first-iterations 60 --iterations 60");
    let Some(text) = on_terminal(&folder, &format!("stylize photo.png --style painting.png -o out.png {options}"))
    else {
        return;
    };
    let lines = shown(&text);
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    let bars: Vec<&String> = lines.iter().filter(|line| line.contains(" %, loss ")).collect();
    assert!(!bars.is_empty(), "{lines:#?}");
    for bar in bars {
        let blocks = bar.chars().filter(|c| matches!(c, '█' | '░' | '▉'..='▏')).count();
        assert!(blocks >= 20 && bar.ends_with(" left"), "{bar:?}");
    }
    assert!(lines.iter().any(|line| line.contains("4/4 48x36")), "{lines:#?}");
    assert!(lines.last().unwrap().starts_with("impasto: out.png: 48x36 in "), "{lines:#?}");
}

#[test]
fn quiet_is_quiet_on_a_terminal_too() {
    let folder = Folder::with_pictures();
    let arguments = format!("-q stylize photo.png --style painting.png -o out.png {}", quick(""));
    if let Some(text) = on_terminal(&folder, &arguments) {
        assert_eq!(text, "");
    }
}

#[test]
fn a_picture_is_not_written_to_a_terminal() {
    let folder = Folder::with_pictures();
    let arguments = format!("stylize photo.png --style painting.png -o - {}", quick(""));
    if let Some(text) = on_terminal(&folder, &arguments) {
        assert!(text.contains("which is a terminal") && !text.contains("PNG\r\n"), "{text:?}");
    }
}

#[test]
fn the_learning_of_filters_is_seen() {
    let folder = Folder::with_pictures();
    let arguments =
        "stylize photo.png --style painting.png -o out.png --device cpu --min-scale 48 --first-iterations 2";
    let Some(text) = on_terminal(&folder, arguments) else { return };
    let lines = shown(&text);
    let bars: Vec<&String> = lines.iter().filter(|line| line.starts_with("learning filters ")).collect();
    assert!(bars.iter().any(|bar| bar.contains('█')), "{lines:#?}");
    assert!(bars.iter().all(|bar| bar.chars().count() <= 80), "{bars:#?}");
}
