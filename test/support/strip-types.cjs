const { stripTypeScriptTypes } = require('node:module');
const { createHash } = require('node:crypto');

// Types are erased in place, so positions in stack traces stay true without a source map.
module.exports = {
  process: (source) => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }),
  getCacheKey: (source, path) => createHash('sha256').update(process.version).update(path).update(source).digest('hex'),
};
