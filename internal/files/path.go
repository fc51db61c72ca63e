package files

// Path is a checked place in the folder: components joined by slashes, relative, "" for the folder itself. Only [Parse] makes one
// from text that came from elsewhere.
type Path string
