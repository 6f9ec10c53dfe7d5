//! `--help`: every option is there and every line fits a terminal.

use super::folder::Folder;

/// Each command with the options and arguments it must explain.
const COMMANDS: [(&str, &str); 19] = [
    (
        "",
        "demo stylize resume texture studio info again devices validate bench dump weights completions man --help --version",
    ),
    ("demo", "--output --device --threads"),
    (
        "stylize",
        "<CONTENT> --style --output --size --min-scale --iterations --first-iterations --content-weight --style-weight \
         --tv-weight --style-scale --init --seed --content-layers --style-layers --loss --pooling --weights \
         --weights-format --weights-url --optimizer --learning-rate --device --threads --precision --variant --tune \
         --save-every --log --checkpoint --checkpoint-every --explain --force --quality --jpeg-quality --depth \
         --no-metadata --keep-exif --blend --style-mask --statistic --region --keep --feather --edges \
         --colors --color-strength --print --dpi --preview --memory",
    ),
    ("resume", "<FILE> --output --size --print --dpi --content --style --weights --device --threads --memory"),
    (
        "texture",
        "<PAINTING> --output --size --seamless --seed --quality --iterations --first-iterations --tv-weight --optimizer --blend \
         --style-scale --style-mask --statistic --weights --weights-format --weights-url --device --threads --precision \
         --variant --memory",
    ),
    ("studio", "--data --static --no-open --port --listen --device --threads --memory --weights"),
    ("info", "<PICTURE> --json"),
    ("again", "<PICTURE> --output --size --print --dpi --content --style --weights --device --memory"),
    ("devices", "--help"),
    ("validate", "--device --threads --only --json"),
    ("bench", "--device --threads --size --repeats --precision --variant --no-kernels --json"),
    (
        "dump",
        "--content --style --image --output --loss --content-weight --style-weight --tv-weight --weights \
         --weights-format --weights-url --device --threads --blend --style-scale --style-mask --statistic --region \
         --keep --feather --edges",
    ),
    ("weights", "fetch list learn info IMPASTO_CACHE HF_ENDPOINT"),
    ("weights fetch", "--weights-url --deepest"),
    ("weights list", "--help"),
    ("weights learn", "<PICTURE> --output --seed"),
    ("weights info", "<FILE>"),
    ("completions", "<SHELL>"),
    ("man", "[COMMAND]"),
];

/// What every command has.
const EVERYWHERE: &str = "--quiet --verbose";

#[test]
fn every_option_is_explained_in_lines_of_a_hundred_columns() {
    let folder = Folder::empty();
    for (command, options) in COMMANDS {
        for flag in ["--help", "-h"] {
            let text = folder.run(&format!("{command} {flag}")).answer();
            for option in options
                .split_whitespace()
                .chain(EVERYWHERE.split(' '))
                .filter(|option| flag == "--help" || option.starts_with("--"))
            {
                assert!(text.contains(option), "{command} {flag} does not mention {option}");
            }
            for line in text.lines() {
                assert!(line.chars().count() <= 100, "{command} {flag}: {line:?}");
            }
        }
    }
}

#[test]
fn options_that_are_not_explained_above_do_not_exist() {
    let folder = Folder::empty();
    for (command, known) in COMMANDS {
        let text = folder.run(&format!("{command} --help")).answer();
        let defined = text.lines().filter_map(|line| {
            let line = line.trim_start();
            let long = line.starts_with('-').then(|| line.split([' ', ',']).find(|word| word.starts_with("--")))??;
            Some(long.to_owned())
        });
        for option in defined.filter(|option| option != "--help") {
            let known = || known.split_whitespace().chain(EVERYWHERE.split(' '));
            assert!(known().any(|word| word == option), "{command}: {option} is not in the table");
        }
    }
}

#[test]
fn without_a_command_the_help_is_shown_and_nothing_done() {
    let outcome = Folder::empty().run("");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert!(outcome.stderr.contains("stylize") && outcome.stderr.contains("Usage:"), "{}", outcome.stderr);
}

#[test]
fn the_version_is_the_packages() {
    assert_eq!(Folder::empty().run("--version").answer(), concat!("impasto ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn shells_complete_and_every_command_has_a_manual_page() {
    let folder = Folder::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.run(&format!("completions {shell}")).answer();
        assert!(script.contains("stylize") && script.contains("style-weight"), "{shell}");
    }
    for (command, options) in COMMANDS {
        let page = folder.run(&format!("man {command}")).answer().replace('\\', "");
        assert!(
            page.contains(&format!(
                ".TH impasto{}",
                command.split(' ').map(|name| format!("-{name}")).collect::<String>().trim_end_matches('-')
            )),
            "{command}: {page}"
        );
        for option in options.split_whitespace().filter(|option| option.starts_with("--")) {
            assert!(page.contains(option), "{command}: {option}");
        }
    }
    folder.refuses("man paint", 2, &["\"paint\"", "stylize, resume, texture, studio, info, again"]);
}
