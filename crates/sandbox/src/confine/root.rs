//! The file tree of a worker in namespaces: an empty memory file system with the shown folders in it.

use std::{
    fs, io,
    os::fd::OwnedFd,
    os::unix::fs::{DirBuilderExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sys::stat::{Mode, umask},
    unistd::{Gid, Uid, chdir, pivot_root, setgroups, sethostname, setresgid, setresuid},
};

use super::Confinement;
use crate::sys;

/// Places where the new tree may be built: any folder will do, it is covered for a moment.
const WORKPLACES: [&str; 4] = ["/tmp", "/mnt", "/var/tmp", "/proc"];
const DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"];

/// Moves this process into its own tree, as the first user of its user namespace.
pub fn enter(confinement: &Confinement) -> io::Result<()> {
    let step = |what: &'static str| move |error: io::Error| io::Error::other(format!("{what}: {error}"));
    // Looked up with the server's own rights; what comes after has only those of the namespace.
    let shown = copies(confinement).map_err(step("cannot show a folder"))?;
    // Where the group map may not be written, there are no groups to give up either.
    let _ = setgroups(&[]);
    let (user, group) = (Uid::from_raw(0), Gid::from_raw(0));
    setresgid(group, group, group).map_err(io::Error::from).map_err(step("cannot change the group"))?;
    setresuid(user, user, user).map_err(io::Error::from).map_err(step("cannot change the user"))?;
    umask(Mode::from_bits_truncate(0o022));
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(io::Error::from)
        .map_err(step("cannot separate the mounts"))?;
    let place = WORKPLACES.iter().map(Path::new).find(|path| path.is_dir());
    let place = place.ok_or_else(|| io::Error::other("there is no folder to build a file tree in"))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("sandbox"), place, Some("tmpfs"), flags, Some("size=1m,nr_inodes=4k,mode=755"))
        .map_err(io::Error::from)
        .map_err(step("cannot mount a memory file system"))?;
    furnish(place, &shown, confinement.furnished).map_err(step("cannot build the file tree"))?;
    turn_to(place).map_err(step("cannot move into the file tree"))?;
    sethostname("sandbox")?;
    if confinement.furnished {
        sys::loopback_up().map_err(step("cannot bring up the loopback interface"))?;
    }
    Ok(())
}

enum Shown {
    Folder(PathBuf, OwnedFd),
    File(PathBuf, OwnedFd),
    Link(PathBuf, PathBuf),
}

fn copies(confinement: &Confinement) -> io::Result<Vec<Shown>> {
    let mut shown = Vec::new();
    let mut folders = confinement.folders.clone();
    folders.sort();
    for path in &folders {
        let inside_another = |other: &Shown| matches!(other, Shown::Folder(outer, _) if path.starts_with(outer));
        if shown.iter().any(inside_another) {
            continue;
        }
        match fs::symlink_metadata(path) {
            Ok(about) if about.is_symlink() => shown.push(Shown::Link(path.clone(), fs::read_link(path)?)),
            Ok(about) => {
                let tree = sys::copy_tree(path, false)?;
                let path = path.clone();
                shown.push(if about.is_dir() { Shown::Folder(path, tree) } else { Shown::File(path, tree) });
            }
            // Not every system has every folder.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io::Error::other(format!("{}: {error}", path.display()))),
        }
    }
    if confinement.furnished {
        for device in DEVICES.iter().map(Path::new).filter(|path| path.exists()) {
            shown.push(Shown::File(device.into(), sys::copy_tree(device, true)?));
        }
    }
    Ok(shown)
}

fn under(place: &Path, path: &Path) -> PathBuf {
    place.join(path.strip_prefix("/").unwrap_or(path))
}

fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
}

fn furnish(place: &Path, shown: &[Shown], furnished: bool) -> io::Result<()> {
    for item in shown {
        match item {
            Shown::Link(path, to) => {
                let path = under(place, path);
                path.parent().map_or(Ok(()), make_folder)?;
                symlink(to, path)?;
            }
            Shown::Folder(path, tree) | Shown::File(path, tree) => {
                let target = under(place, path);
                target.parent().map_or(Ok(()), make_folder)?;
                if matches!(item, Shown::Folder(..)) {
                    make_folder(&target)?;
                } else {
                    fs::File::create(&target)?;
                }
                sys::attach_tree(tree, &target)
                    .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
            }
        }
    }
    if furnished {
        let tmp = under(place, Path::new("/tmp"));
        make_folder(&tmp)?;
        fs::set_permissions(&tmp, fs::Permissions::from_mode(0o1777))?;
    }
    Ok(())
}

fn turn_to(place: &Path) -> io::Result<()> {
    chdir(place)?;
    pivot_root(".", ".")?;
    // What was the root lies above the new one until here.
    umount2(".", MntFlags::MNT_DETACH)?;
    chdir("/")?;
    sys::make_read_only(Path::new("/"))
}
