//! What is packaged, held against what there is: `packaging/README.md`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// `[package.metadata]` of the manifest.
fn metadata() -> toml::Table {
    let manifest: toml::Table = text("Cargo.toml").parse().expect("the manifest is TOML");
    manifest["package"]["metadata"].as_table().expect("a table").clone()
}

/// The table of files: source, place, mode.
fn assets() -> Vec<[String; 3]> {
    let assets = metadata()["deb"]["assets"].as_array().expect("an array").clone();
    let words = |asset: &toml::Value| -> Vec<String> {
        let asset = asset.as_array().expect("an array of three");
        asset.iter().map(|word| word.as_str().expect("a text").to_owned()).collect()
    };
    assets.iter().map(|asset| words(asset).try_into().expect("three texts")).collect()
}

/// Where the asset is installed, with its name.
fn place([source, place, _]: &[String; 3]) -> String {
    let name = source.rsplit('/').next().expect("a path has a last part");
    if place.ends_with('/') { format!("{place}{name}") } else { place.clone() }
}

/// Files in a folder of the source, by their paths.
fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry is read"))
        .filter(|entry| entry.path().is_file())
        .map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy()))
        .collect();
    files.sort();
    files
}

/// Folders in a folder of the source, which need not be there.
fn folders_in(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).into_iter().flatten().filter_map(Result::ok);
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy())).collect()
}

#[test]
fn every_unit_page_completion_and_setting_of_the_system_is_packaged() {
    let sources: BTreeSet<_> = assets().into_iter().map(|[source, ..]| source).collect();
    let folders = ["systemd", "packaging/man", "packaging/sysusers.d", "packaging/tmpfiles.d"]
        .into_iter()
        .flat_map(files);
    let deeper =
        ["systemd", "packaging/completions"].into_iter().flat_map(folders_in).flat_map(|it| files(&it));
    for file in folders.chain(deeper) {
        assert!(sources.contains(&file), "{file} is in no package: a line in Cargo.toml");
    }
}

#[test]
fn what_is_packaged_is_there_and_goes_where_it_may() {
    let mut places = BTreeSet::new();
    for asset in assets() {
        let place = place(&asset);
        let [source, _, mode] = asset;
        assert!(
            source.starts_with("target/release/") || root().join(&source).is_file(),
            "there is no {source}"
        );
        let program = place.starts_with("usr/bin/");
        assert_eq!(mode, if program { "755" } else { "644" }, "{source}");
        assert!(place.starts_with("usr/") || place.starts_with("etc/"), "{place}");
        assert!(places.insert(place.clone()), "{place} twice");
    }
}

#[test]
fn what_is_in_etc_is_a_conffile_and_nothing_else_is() {
    let metadata = metadata();
    let conffiles = metadata["deb"]["conf-files"].as_array().expect("an array");
    let conffiles: BTreeSet<_> =
        conffiles.iter().map(|path| path.as_str().expect("a text").to_owned()).collect();
    let in_etc: BTreeSet<_> = assets()
        .iter()
        .map(place)
        .filter(|place| place.starts_with("etc/"))
        .map(|place| format!("/{place}"))
        .collect();
    assert_eq!(conffiles, in_etc);
    // Arch has its own list.
    let build = text("packaging/arch/PKGBUILD");
    for path in in_etc {
        assert!(build.contains(&format!("'{}'", &path[1..])), "{path} is no backup of the PKGBUILD");
    }
}

#[test]
fn all_packages_have_the_version_of_the_programs() {
    let version = env!("CARGO_PKG_VERSION");
    let debian = text("packaging/debian/changelog");
    assert!(
        debian.starts_with(&format!("chatd ({version}-")),
        "{}",
        debian.lines().next().unwrap_or_default()
    );
    assert!(text("packaging/arch/PKGBUILD").contains(&format!("\npkgver={version}\n")));
    assert!(text("CHANGELOG.md").contains(version));
}

#[test]
fn scripts_know_every_unit() {
    let units = files("systemd").into_iter().map(|path| path.replace("systemd/", ""));
    for unit in units {
        for script in ["debian/postinst", "debian/prerm", "debian/postrm", "rpm/post", "rpm/preun"] {
            assert!(text(&format!("packaging/{script}")).contains(&unit), "{script} does not name {unit}");
        }
    }
}

#[test]
fn users_are_those_that_others_name() {
    let sysusers = text("packaging/sysusers.d/chatd.conf");
    let tmpfiles = text("packaging/tmpfiles.d/chatd.conf");
    assert!(sysusers.lines().any(|line| line.starts_with("u chatd ")));
    assert!(sysusers.lines().any(|line| line.starts_with("g chatd-monitor ")));
    assert!(tmpfiles.lines().any(|line| line == "z /etc/chatd/chatd.toml 0640 root chatd -"));
    assert!(text("systemd/chatd.service").lines().any(|line| line == "User=chatd"));
    let rpm = text("packaging/rpm/pre");
    for group in ["chatd", "chatd-monitor"] {
        assert!(rpm.contains(&format!("groupadd --system {group}\n")), "{group}");
    }
}
