/** The part of VS Code's own module that its container client reads outside of the editor. */
module.exports = {
  ShellQuoting: { Escape: 1, Strong: 2, Weak: 3 },
  FileType: { Unknown: 0, File: 1, Directory: 2, SymbolicLink: 64 },
};
