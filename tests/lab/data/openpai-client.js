// What OpenPAI's own client says of a cluster: `node openpai-client.js MODULES URL PASSWORD JOB`.
//
// MODULES is the folder where npm has put @microsoft/openpai-js-sdk; JOB is a job's JSON that runs until it is stopped.
// Every answer is held against the description of the API (swagger.yaml) that comes with the client.
'use strict'

const fs = require('fs')
const path = require('path')
const [modules, url, password, text] = process.argv.slice(2)
const sdk = path.join(modules, '@microsoft/openpai-js-sdk')
const { OpenPAIClient } = require(sdk).PAIV2
const Ajv = require(path.join(modules, 'ajv'))
const axios = require(path.join(modules, 'axios'))
const yaml = require(path.join(modules, 'js-yaml'))
const SwaggerParser = require(path.join(modules, '@apidevtools/swagger-parser'))

const ajv = new Ajv({ nullable: true, unknownFormats: 'ignore' })
const told = {}

async function main () {
  const description = yaml.safeLoad(fs.readFileSync(path.join(sdk, 'lib/src/api/v2/swagger.yaml'), 'utf8'))
  description.components.schemas.JobProtocol = {} // which is elsewhere on the Internet
  const task = description.components.schemas.JobDetail.properties.taskRoles.additionalProperties
  // Described as a number; rest-server passes on frameworkcontroller's UUID.
  task.properties.taskStatuses.items.properties.taskUid.type = 'string'
  const api = await SwaggerParser.dereference(description)

  function fits (name, route, method, status, answer) {
    const response = api.paths[route][method].responses[String(status)]
    const schema = response.content['application/json'].schema
    if (!ajv.validate(schema, answer)) {
      throw new Error(`${name}: ${ajv.errorsText()} in ${JSON.stringify(answer)}`)
    }
    told[name] = answer
  }

  async function refused (name, call, route, method) {
    const error = await call().then(() => { throw new Error(`${name} was not refused`) }, (error) => error)
    fits(name, route, method, error.status, { code: error.data.code, message: error.data.message })
  }

  const at = { rest_server_uri: url.replace('http://', ''), https: false, username: 'admin' }
  const stranger = new OpenPAIClient({ ...at, password: `not-${password}` })
  const login = '/api/v2/authn/basic/login'
  await refused('wrong password', () => stranger.authn.basicLogin(), login, 'post')
  const client = new OpenPAIClient({ ...at, password })
  fits('login', login, 'post', 200, await client.authn.basicLogin())
  fits('info', '/api/v2/info', 'get', 200, await client.api.getClusterInfo())

  const job = JSON.parse(text)
  const jobs = '/api/v2/jobs'
  const one = '/api/v2/jobs/{user}~{job}'
  fits('submit', jobs, 'post', 202, await client.job.createJob(job))
  await refused('submit again', () => client.job.createJob(job), jobs, 'post')
  // The description knows no answer to a wrong job, OpenPAI's rest-server does.
  const nonsense = await client.job.createJob({ name: job.name }).catch((error) => error)
  told.nonsense = { status: nonsense.status, ...nonsense.data }
  await refused('no job', () => client.job.getJob('admin', 'no-such-job'), one, 'get')
  fits('list', jobs, 'get', 200, await client.job.listJobs({ username: 'admin', keyword: job.name }))
  told.config = await client.job.getJobConfig('admin', job.name)

  const state = async () => {
    const detail = await client.job.getJob('admin', job.name)
    fits('detail', one, 'get', 200, detail)
    return detail.jobStatus.state
  }
  const until = async (wanted) => {
    for (let tries = 0; (await state()) !== wanted; tries++) {
      if (tries > 600) throw new Error(`not ${wanted}: ${JSON.stringify(told.detail)}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  await until('RUNNING')
  const role = Object.keys(told.detail.taskRoles)[0]
  const attempts = await client.job.getTask('admin', job.name, 0, role, 0)
  const taskRoute = Object.keys(api.paths).find((route) => route.endsWith('/taskIndex/{taskIndex}/attempts'))
  fits('task', taskRoute, 'get', 200, attempts)
  fits('stop', `${one}/executionType`, 'put', 202, await client.job.updateJobExecutionType('admin', job.name, 'STOP'))
  await until('STOPPED')

  fits('tag', `${one}/tag`, 'put', 200, await client.job.addTag('admin', job.name, 'kept'))
  fits('users', '/api/v2/users', 'get', 200, await client.user.getAllUser())
  fits('user', '/api/v2/users/{user}', 'get', 200, await client.user.getUser('admin'))
  fits('clusters', '/api/v2/virtual-clusters', 'get', 200, await client.virtualCluster.listVirtualClusters())
  fits('storages', '/api/v2/storages', 'get', 200, await client.storage.getStorages())
  fits('groups', '/api/v2/groups', 'get', 200, await client.group.getAllGroup())
  fits('tokens', '/api/v2/tokens', 'get', 200, await client.token.getTokens())
  fits('application', '/api/v2/tokens/application', 'post', 200, await client.token.createApplicationToken())
  const guest = await axios.get(`${url}/api/v2/tokens`).catch((error) => error.response)
  fits('guest', '/api/v2/tokens', 'get', guest.status, guest.data)
  await client.authn.basicLogout()
  await refused('after logout', () => client.token.getTokens(), '/api/v2/tokens', 'get')
  console.log(JSON.stringify(told))
}

main().catch((error) => {
  console.error(error.stack || error)
  process.exit(1)
})
